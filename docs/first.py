from digitkit.reader import Reader

numbers = Reader.default().find("photo.png")
print(numbers.texts)
