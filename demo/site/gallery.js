// What each picture weighs beside its original, and a blur to look at until it is there.
const kib = (bytes) => bytes < 10240 ? `${(bytes / 1024).toFixed(1)} KiB` : bytes < 1048576
	? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;

// ThumbHash to a data URL, after the description of the format by Evan Wallace.
function placeholder(base64) {
	const hash = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
	const head = hash[0] | (hash[1] << 8) | (hash[2] << 16);
	const more = hash[3] | (hash[4] << 8);
	const alpha = head >> 23;
	const landscape = more >> 15;
	const lx = Math.max(3, landscape ? (alpha ? 5 : 7) : more & 7);
	const ly = Math.max(3, landscape ? more & 7 : alpha ? 5 : 7);
	const base = {
		l: (head & 63) / 63,
		p: ((head >> 6) & 63) / 31.5 - 1,
		q: ((head >> 12) & 63) / 31.5 - 1,
		a: alpha ? (hash[5] & 15) / 15 : 1,
	};
	let at = 0;
	const start = alpha ? 6 : 5;
	const channel = (nx, ny, scale) => {
		const out = [];
		for (let y = 0; y < ny; y++)
			for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++, at++)
				out.push((((hash[start + (at >> 1)] >> ((at & 1) << 2)) & 15) / 7.5 - 1) * scale);
		return out;
	};
	const lac = channel(lx, ly, ((head >> 18) & 31) / 31);
	const pac = channel(3, 3, (((more >> 3) & 63) / 63) * 1.25);
	const qac = channel(3, 3, (((more >> 9) & 63) / 63) * 1.25);
	const aac = alpha ? channel(5, 5, (hash[5] >> 4) / 15) : [];

	const canvas = document.createElement("canvas");
	const width = (canvas.width = landscape ? 32 : Math.round((32 * lx) / ly));
	const height = (canvas.height = landscape ? Math.round((32 * ly) / lx) : 32);
	const context = canvas.getContext("2d");
	const pixels = context.createImageData(width, height);
	const sum = (dc, ac, nx, ny, x, y) => {
		let value = dc;
		for (let j = 0, i = 0; j < ny; j++)
			for (let k = j ? 0 : 1; k * ny < nx * (ny - j); k++, i++)
				value += ac[i] * 2 * Math.cos((Math.PI / width) * (x + 0.5) * k) *
					Math.cos((Math.PI / height) * (y + 0.5) * j);
		return value;
	};
	for (let y = 0, i = 0; y < height; y++)
		for (let x = 0; x < width; x++, i += 4) {
			const l = sum(base.l, lac, lx, ly, x, y), p = sum(base.p, pac, 3, 3, x, y);
			const q = sum(base.q, qac, 3, 3, x, y);
			const b = l - (2 / 3) * p, r = (3 * l - b + q) / 2;
			pixels.data[i] = 255 * r;
			pixels.data[i + 1] = 255 * (r - q);
			pixels.data[i + 2] = 255 * b;
			pixels.data[i + 3] = 255 * (alpha ? sum(base.a, aac, 5, 5, x, y) : 1);
		}
	context.putImageData(pixels, 0, 0);
	return canvas.toDataURL();
}

async function describe(figure) {
	const image = figure.querySelector("img");
	if (figure.dataset.facts) {
		const facts = await (await fetch(figure.dataset.facts)).json();
		figure.dataset.original = facts.original.file_size;
		if (!image.complete && facts.thumbhash)
			image.style.backgroundImage = `url(${placeholder(facts.thumbhash)})`;
	}
	if (!image.complete)
		await new Promise((done) => image.addEventListener("load", done, { once: true }));
	image.style.backgroundImage = "";
	// As the <img> asked; so the reply is the same, and likely in the browser's cache.
	const reply = await fetch(image.currentSrc, { headers: { Accept: "image/avif,image/webp,*/*" } });
	const body = await reply.blob();
	const bytes = body.size;
	// Beside a srcset an <img> tells CSS px; a bitmap tells those of the file. None is made of SVG.
	const width = await createImageBitmap(body).then((bitmap) => bitmap.width, () => image.naturalWidth);
	const original = Number(figure.dataset.original ||
		(await fetch(figure.dataset.source, { method: "HEAD" })).headers.get("content-length"));
	const type = reply.headers.get("content-type").replace("image/", "");
	figure.querySelector(".bytes").textContent =
		`${width} px ${type}, ${kib(bytes)} of ${kib(original)}`;
}

const seen = new IntersectionObserver((entries) => {
	for (const entry of entries) {
		if (!entry.isIntersecting) continue;
		seen.unobserve(entry.target);
		describe(entry.target).catch((why) => {
			entry.target.querySelector(".bytes").textContent = String(why);
		});
	}
}, { rootMargin: "200px" });
for (const figure of document.querySelectorAll("figure")) seen.observe(figure);
