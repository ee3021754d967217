/* pictures.mjs SOURCES TARGET COUNT - distinct photographs, made from a few real ones
 *
 * TARGET/medium/NN.jpg are of 2040 x 1356 px, TARGET/large/NN.jpg of 4000 x 3000. Each is another
 * part of one of the photographs in SOURCES, some mirrored, brought to size and stored as a camera
 * would: JPEG, quality 90, halved chroma, baseline.
 */
import { mkdir, readdir } from "node:fs/promises";
import sharp from "sharp";

const [sources, target, count] = process.argv.slice(2);
const sizes = { medium: [2040, 1356], large: [4000, 3000] };
const wide_enough = 2500;

/* Which part of a photograph the `turn`-th picture made from it shows. */
function part(meta, [width, height], turn) {
	const share = 1 - 0.05 * turn;
	const scale = Math.min((meta.width * share) / width, (meta.height * share) / height);
	const area = { width: Math.floor(width * scale), height: Math.floor(height * scale) };
	area.left = Math.floor(((meta.width - area.width) * (turn % 3)) / 2);
	area.top = Math.floor(((meta.height - area.height) * ((turn + 1) % 3)) / 2);
	return area;
}

async function photographs() {
	const found = [];
	for (const name of (await readdir(sources)).sort()) {
		if (!name.endsWith(".jpg"))
			continue;
		const file = `${sources}/${name}`;
		const meta = await sharp(file).metadata();
		if (Math.max(meta.width, meta.height) >= wide_enough)
			found.push({ file, meta });
	}
	if (!found.length)
		throw new Error(`no photographs in ${sources}`);
	return found;
}

const photos = await photographs();
for (const [name, size] of Object.entries(sizes)) {
	await mkdir(`${target}/${name}`, { recursive: true });
	for (let i = 0; i < Number(count); i++) {
		const photo = photos[i % photos.length];
		const turn = Math.floor(i / photos.length);
		const picture = sharp(photo.file)
			.extract(part(photo.meta, size, turn))
			.resize(size[0], size[1], { fit: "fill" })
			.flop(turn % 2 === 1);
		await picture
			.jpeg({ quality: 90 })
			.toFile(`${target}/${name}/${String(i).padStart(2, "0")}.jpg`);
	}
}
