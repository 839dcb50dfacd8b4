import numpy as np, cv2
from digitkit.glyphs import load_glyphs, split_glyphs
from digitkit.pictures import pictures
g=split_glyphs(load_glyphs("mnist"))["train"]
ps=pictures("everything",72,11,g)
W,H=250,170
out=np.full((9*H,8*W,3),128,np.uint8)
for k,p in enumerate(ps):
    im=p.image if p.image.ndim==3 else cv2.cvtColor(p.image,cv2.COLOR_GRAY2RGB)
    f=min((W-6)/im.shape[1],(H-22)/im.shape[0],2); im=cv2.resize(im,(max(1,int(im.shape[1]*f)),max(1,int(im.shape[0]*f))),interpolation=cv2.INTER_AREA)
    y,x=k//8*H,k%8*W; out[y:y+im.shape[0],x:x+im.shape[1]]=im
    cv2.putText(out," ".join(p.texts) or "-",(x+2,y+H-6),cv2.FONT_HERSHEY_SIMPLEX,.5,(255,255,0),1)
cv2.imwrite("/tmp/p/v.png",out[...,::-1])
