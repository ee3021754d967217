/* ipx.mjs PORT FOLDER equal|default - the peer of transforms: IPX over sharp on a folder
 *
 * IPX passes a quality and nothing else to sharp. "equal" sets what Selvedge's defaults are where
 * sharp's differ: AVIF at effort 0 and with halved chroma. All else is the same on both sides by
 * default: progressive JPEG with optimised Huffman tables and halved chroma, WebP effort 4, PNG
 * level 6 without filter, Lanczos 3, one thread a picture. "default" leaves AVIF at sharp's own.
 */
import { createServer } from "node:http";
import { createIPX, createIPXNodeServer, ipxFSStorage } from "ipx";

const [port, dir, avif] = process.argv.slice(2);
const equal = { heifEffort: 0, heifChromaSubsampling: "4:2:0" };
const ipx = createIPX({
	storage: ipxFSStorage({ dir }),
	sharpOptions: avif === "equal" ? equal : {},
});
createServer(createIPXNodeServer(ipx)).listen(Number(port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
