// Pictures that are dropped onto the page, or chosen: each is uploaded with a link for one upload, and
// shown by a signed link of a variant, which was made with it.
const drop = document.querySelector(".drop");
const said = drop.querySelector("[role=status]");
const gallery = document.querySelector(".gallery");
let links = null; // those that nobody is known to have used

async function takeLink() {
	if (!links) {
		const reply = await fetch("/gallery/uploads.json", { cache: "no-store" });
		links = reply.ok ? await reply.json() : [];
	}
	if (!links.length) throw new Error("no link for an upload is left; start the demo anew");
	return links.shift();
}

// Why not; what is in front of the server may answer with a page of its own.
async function refusal(reply) {
	const said = await reply.json().catch(() => null);
	return said?.errors?.[0] ?? { code: 0, message: `the server answered with status ${reply.status}` };
}

async function send(file) {
	for (;;) {
		const link = await takeLink();
		let isGood = true; // unless we hear otherwise
		try {
			const form = new FormData();
			form.set("file", file);
			const reply = await fetch(link.upload, { method: "POST", body: form });
			const error = reply.ok ? null : await refusal(reply);
			isGood = error && ![5403, 5409].includes(error.code); // somebody else has used it, or does so now
			if (reply.ok) return link;
			if (isGood) throw new Error(error.message.replace(/^ERROR \d+: /, ""));
		} finally {
			if (isGood) links.unshift(link);
		}
	}
}

function show(file, link) {
	const figure = document.createElement("figure");
	const image = document.createElement("img");
	const caption = document.createElement("figcaption");
	const name = document.createElement("strong");
	const large = document.createElement("a");
	Object.assign(image, { src: link.card, width: 480, height: 320, alt: file.name, decoding: "async" });
	name.textContent = file.name;
	large.href = link.large;
	large.textContent = "larger";
	caption.append(name, "Uploaded just now; seen by signed links alone, which every visitor has: ", large);
	figure.className = "uploaded";
	figure.append(image, caption);
	gallery.prepend(figure);
	return image.decode();
}

async function upload(files) {
	drop.classList.add("busy");
	for (const file of files) {
		said.textContent = `Uploading ${file.name}…`;
		try {
			await show(file, await send(file));
			said.textContent = `${file.name} is there.`;
		} catch (why) {
			said.textContent = `${file.name}: ${why.message}`;
		}
	}
	drop.classList.remove("busy");
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
	if (!hasFiles(event)) return;
	event.preventDefault();
	drop.classList.add("over");
});
addEventListener("dragleave", (event) => {
	if (!event.relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
	if (!hasFiles(event)) return;
	event.preventDefault();
	drop.classList.remove("over");
	upload([...event.dataTransfer.files]);
});
drop.querySelector("input").addEventListener("change", (event) => {
	upload([...event.target.files]);
	event.target.value = "";
});
