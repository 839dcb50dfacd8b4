/** Files that lie beside the page. */

/** Unpacked bytes, if they are a gzip file; else, as where a server has told the browser to unpack them, as they are. */
async function unpacked(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(whole).arrayBuffer());
}

/** The bytes of a file by its name; networks are packed. */
export async function load(name) {
  const answer = await fetch(new URL(name.endsWith(".onnx") ? `${name}.gz` : name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} is missing: ${answer.status} ${answer.statusText}`);
  return unpacked(new Uint8Array(await answer.arrayBuffer()));
}
