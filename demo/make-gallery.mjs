// Write the gallery page with links that `selvedge sign` makes: make-gallery.mjs SELVEDGE KEY OUT API
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const [, , selvedge, key, out, api] = process.argv;
const WEEK_S = 7 * 24 * 3600;
const ROUTE = "/cdn-cgi/image/";

const pictures = [
	{ file: "boats.jpg", title: "Boats at dusk", note: "JPEG, 2560 × 1600" },
	{ file: "bird-12mp.jpg", title: "Nuthatch", note: "JPEG of twelve megapixels, as a telephone takes it" },
	{ file: "flower-alpha.png", title: "Cut out", note: "PNG with a soft alpha edge; it stays transparent" },
	{ file: "dune-moving.gif", title: "Dune", note: "A GIF of 24 frames becomes an animated WebP" },
	{ file: "ladybird-exif6.jpg", title: "Ladybird", note: "Stored on its side; EXIF says how to turn it" },
	{ file: "leaf-cmyk.jpg", title: "Fallen leaf", note: "A CMYK JPEG, made for printing" },
	{ file: "storm-16bit.png", title: "Storm", note: "PNG with 16 bits a channel" },
	{ file: "water.avif", title: "By the water", note: "AVIF in" },
	{ file: "forest-grey.tiff", title: "Path", note: "A grey TIFF" },
	{ file: "rain.jpg", title: "After the rain", note: "JPEG" },
	{ file: "seeds.jpg", title: "Two seeds", note: "JPEG" },
	{ file: "leaf-moving.webp", title: "Leaves, moving", note: "An animated WebP" },
];

const run = (...args) => execFileSync(selvedge, ["sign", "--key", key, "--for", String(WEEK_S), ...args],
	{ encoding: "utf8" }).trim();

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

function figure({ file, title, note }, index) {
	// The moving ones are small; larger frames would only be blown up.
	const moves = file.includes("moving");
	const picture = run("--srcset", moves ? "240,480" : index === 0 ? "640,960,1280,1920" : "320,480,640,960", "--formats", "auto,avif,webp",
		"--sizes", index === 0 ? "(max-width: 76rem) 92vw, 70rem" : "(max-width: 36rem) 92vw, (max-width: 64rem) 46vw, 22rem", "--alt", title,
		`${ROUTE}fit=scale-down/samples/${file}`);
	const facts = run(`${ROUTE}format=json/samples/${file}`);
	return `<figure data-source="/samples/${file}" data-facts="${escape(facts)}">
${picture.replace("<img ", '<img loading="lazy" decoding="async" ')}
<figcaption><strong>${escape(title)}</strong> ${escape(note)}<span class="bytes"></span></figcaption>
</figure>`;
}

function single(options, source, title, note) {
	const link = run(`${ROUTE}${options}${source}`);
	return `<figure data-source="${source}">
<img loading="lazy" decoding="async" width="480" height="320" src="${escape(link)}" alt="${escape(title)}">
<figcaption><strong>${escape(title)}</strong> ${escape(note)}<span class="bytes"></span></figcaption>
</figure>`;
}

writeFileSync(out, `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'; img-src 'self' data:; connect-src 'self' ${api}">
<title>Selvedge: a gallery</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/samples/mark.png">
<header>
<p class="mark" aria-hidden="true"></p>
<h1>One folder of pictures, each in the size you need</h1>
<p>Every picture below is made on request by Selvedge, from a link that only its owner could have made:
one signature for all widths and formats of a <code>srcset</code>, and for nothing else.</p>
<nav><a class="button" href="/playground.html">Open the playground</a> <a href="/samples/CREDITS.md">Who took these</a></nav>
</header>
<section class="drop" aria-label="Upload">
<label class="button">Choose a picture<input type="file" accept="image/*" multiple></label>
<p>or drop one anywhere on this page: it is shown by signed links alone. Every visitor of this demo has
those links, so upload nothing that others may not see.</p>
<p role="status"></p>
</section>
<main class="gallery">
${pictures.map(figure).join("\n")}
${single("preset=framed", "/samples/boats.jpg", "A border", "By a preset; links cannot draw one")}
${single("preset=signed", "/samples/rain.jpg", "A mark", "Drawn over the picture by a preset")}
${single("width=480", "/drawing.svg", "A drawing", "SVG, passed on without its script")}
</main>
<footer>Selvedge runs on your machine. <a href="/playground.html">Playground</a></footer>
<script src="/gallery.js" defer></script>
<script src="/upload.js" defer></script>
</html>
`);
console.log(run(`${ROUTE}width=640,format=auto/samples/boats.jpg`));
