// From form controls to a link, and from its reply to what there is to know about it.
const $ = (id) => document.getElementById(id);
const knobs = $("knobs");
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
let turn = 0;
let shown = "";

function link() {
	const values = new FormData(knobs);
	const options = [];
	for (const [name, value] of values)
		if (name !== "source" && value.trim())
			options.push(`${name}=${encodeURIComponent(value.trim()).replace(/%3B/g, ";")}`);
	return `/play/${options.join(",") || "quality=85"}${values.get("source")}`;
}

function fail(text) {
	$("image").hidden = true;
	$("why").hidden = false;
	$("why").textContent = text;
}

async function show() {
	const mine = ++turn;
	const path = link();
	$("link").textContent = path;
	const begun = performance.now();
	let reply, body;
	try {
		// As an <img> asks, but so that the reply can be read; the browser's own cache stays out of it.
		reply = await fetch(path, {
			headers: { Accept: "image/avif,image/webp,image/png,image/*;q=0.8,application/json;q=0.5" },
			cache: "no-store",
		});
		body = await reply.blob();
	} catch (why) {
		return fail(String(why));
	}
	if (mine !== turn) return;
	$("time").textContent = `${Math.round(performance.now() - begun)} ms`;
	$("type").textContent = reply.headers.get("content-type");
	$("bytes").textContent = kib(body.size);
	$("cache").textContent = (reply.headers.get("cache-status") || "none").replace("Selvedge; ", "");
	$("size").textContent = "none";
	if (!reply.ok) {
		const text = await body.text();
		try {
			return fail(JSON.parse(text).error.message);
		} catch {
			return fail(text);
		}
	}
	URL.revokeObjectURL(shown);
	shown = URL.createObjectURL(body);
	const image = $("image");
	image.src = shown;
	await image.decode().catch((why) => fail(String(why)));
	if (mine !== turn) return;
	$("why").hidden = true;
	image.hidden = false;
	$("size").textContent = `${image.naturalWidth} × ${image.naturalHeight}`;
}

let pause;
knobs.addEventListener("input", () => {
	clearTimeout(pause);
	pause = setTimeout(show, 250);
});
knobs.addEventListener("submit", (event) => event.preventDefault());
$("copy").addEventListener("click", async () => {
	await navigator.clipboard.writeText(location.origin + $("link").textContent);
	$("copy").textContent = "Copied";
	setTimeout(() => ($("copy").textContent = "Copy"), 1500);
});
show();
