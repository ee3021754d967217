// From photographs as they come to the kinds of files that a gallery should survive.
import { createRequire } from "node:module";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

// A release that runs on the Node.js of Debian 12.
const sharp = createRequire(import.meta.url)("../node_modules/sharp-node18");
const [, , work, out] = process.argv;
const mate = (name) => join(work, "mate-backgrounds/usr/share/backgrounds/mate/nature", name);
const plasma = (name, size) =>
	join(work, "plasma-workspace-wallpapers/usr/share/wallpapers", name, "contents/images", size);

const flower = mate("YellowFlower.jpg");
const bird = join(work, "lomiri-wallpapers-20.04/usr/share/backgrounds/Kleiber_by_Lukas_Baubkus.jpg");
const boats = plasma("EveningGlow", "2560x1600.jpg");
const leaf = plasma("FallenLeaf", "2560x1600.jpg");
const path = plasma("Path", "2560x1600.jpg");

// An ellipse with a soft edge, to cut a picture out with.
const mask = (width, height) =>
	Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
		<defs><radialGradient id="g"><stop offset=".78" stop-color="#fff"/>
		<stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient></defs>
		<ellipse cx="50%" cy="50%" rx="50%" ry="50%" fill="url(#g)"/></svg>`);

// Frames of a window that wanders over a photograph, below each other.
async function pan(source, frames, width, height) {
	const wide = await sharp(source).resize({ width: width * 2 }).removeAlpha().toBuffer();
	const meta = await sharp(wide).metadata();
	const parts = [];
	for (let i = 0; i < frames; i++) {
		const turn = (1 - Math.cos((2 * Math.PI * i) / frames)) / 2;
		parts.push(await sharp(wide)
			.extract({
				left: Math.round(turn * (meta.width - width)),
				top: Math.round(turn * (meta.height - height)),
				width,
				height,
			})
			.png().toBuffer());
	}
	return parts;
}

async function animate(source, frames, width, height, name, options) {
	const parts = await pan(source, frames, width, height);
	await sharp(parts, { join: { animated: true } })
		.toFormat(name.split(".").pop(), { delay: Array(frames).fill(90), loop: 0, ...options })
		.toFile(join(out, name));
}

const copy = async (from, name) => writeFile(join(out, name), await readFile(from));

await copy(boats, "boats.jpg");
await copy(path, "forest.jpg");
await copy(mate("TwoWings.jpg"), "seeds.jpg");
await copy(mate("RainDrops.jpg"), "rain.jpg");
// 12 megapixels, as a telephone takes them.
await sharp(bird).resize(4000, 3000, { fit: "cover" }).jpeg({ quality: 92 })
	.toFile(join(out, "bird-12mp.jpg"));
// Alpha: a flower with soft edges and nothing behind it.
await sharp(flower).resize(1200, 900, { fit: "cover" })
	.composite([{ input: mask(1200, 900), blend: "dest-in" }])
	.png().toFile(join(out, "flower-alpha.png"));
await animate(mate("Dune.jpg"), 24, 480, 320, "dune-moving.gif", { effort: 3 });
await animate(leaf, 24, 480, 320, "leaf-moving.webp", { quality: 70 });
// Stored on its side, with the note that it is: EXIF orientation 6 means "turn right to look".
await sharp(mate("LadyBird.jpg")).resize({ width: 1600 }).rotate(-90).jpeg({ quality: 88 })
	.withMetadata({ orientation: 6 }).toFile(join(out, "ladybird-exif6.jpg"));
await sharp(leaf).resize({ width: 1600 }).toColourspace("cmyk").jpeg({ quality: 88 })
	.toFile(join(out, "leaf-cmyk.jpg"));
await sharp(mate("Storm.jpg")).resize({ width: 1200 }).toColourspace("rgb16").png()
	.toFile(join(out, "storm-16bit.png"));
await sharp(plasma("BytheWater", "2560x1600.jpg")).resize({ width: 1600 })
	.avif({ quality: 60, effort: 2 }).toFile(join(out, "water.avif"));
await sharp(path).resize({ width: 1600 }).grayscale().tiff({ compression: "lzw" })
	.toFile(join(out, "forest-grey.tiff"));

// What the preset "signed" draws over pictures: a cloth's edge.
await sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="192" height="96">
	<g fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round">
	${[0, 1, 2, 3, 4, 5].map((i) => `<path d="M${16 + i * 28} 12 q14 24 0 44 t0 28"/>`).join("")}
	<path d="M8 88h176"/></g></svg>`)).png().toFile(join(out, "mark.png"));

await writeFile(join(out, "CREDITS.md"), `# Who made these pictures

From Debian's packages \`mate-backgrounds\` and \`plasma-workspace-wallpapers\`, under the GPL, version 2 or
later, and \`lomiri-wallpapers-20.04\`, under CC BY-SA 3.0; sizes and formats were changed.

| here | there | by |
| --- | --- | --- |
| boats.jpg | EveningGlow | Ian Hex |
| forest.jpg, forest-grey.tiff | Path | Risto Saukonpää |
| bird-12mp.jpg | Kleiber | Lukas Baubkus |
| leaf-moving.webp, leaf-cmyk.jpg | FallenLeaf | Martin Klapetek |
| water.avif | BytheWater | Maciej Wiklo |
| seeds.jpg, flower-alpha.png, ladybird-exif6.jpg | TwoWings, YellowFlower, LadyBird | Charles Barbin |
| rain.jpg | RainDrops | blackcombwhistler07 |
| dune-moving.gif | Dune | Marco Cogoni, Hylke Bons |
| storm-16bit.png | Storm | Sergey Nazarov |
| mark.png | | this project |
`);
