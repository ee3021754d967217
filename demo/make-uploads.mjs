// Make links by which visitors of the gallery upload a picture each, and links by which they see it:
// make-uploads.mjs SELVEDGE CONFIG API DATA. Writes DATA/gallery/uploads.json, which anybody may read.
// Each entry has a link for one upload within six hours, and signed links to that picture for a week. So
// whoever has read the file sees what others upload: "private" here means by a signed link alone.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const [, , selvedge, config, api, data] = process.argv;
const LINKS = 24;
const UPLOAD_S = 6 * 3600 - 60;
const SEEN_S = 7 * 24 * 3600;
const TOKEN = `${data}/token`;

const run = (...args) => execFileSync(selvedge, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

// A token for pictures alone, kept where nobody but us reads it.
function makeToken() {
	const made = run("token", "create", "--name", "demo", "--allow", "Images Write", "--allow",
		"Account Settings Read", "--config", config);
	const value = made.match(/slv_[0-9a-f]{32}_\w{46}/)[0];
	writeFileSync(TOKEN, value, { mode: 0o600 });
	return value;
}

async function ask(token, path, options = {}) {
	const reply = await fetch(`${api}/client/v4${path}`,
		{ ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } });
	const said = await reply.json();
	if (!said.success)
		throw Object.assign(new Error(`${path}: ${said.errors[0].message}`), { status: reply.status });
	return said.result;
}

async function account() {
	if (existsSync(TOKEN)) {
		const token = readFileSync(TOKEN, "utf8").trim();
		try {
			return { token, id: (await ask(token, "/accounts"))[0].id };
		} catch (why) {
			if (![401, 403].includes(why.status)) throw why;
			// It is of another store; make one of this.
		}
	}
	const token = makeToken();
	return { token, id: (await ask(token, "/accounts"))[0].id };
}

// Both sizes are made here, so that the page names no options of its own.
async function variants(token, images) {
	const wanted = { card: { fit: "cover", width: 480, height: 320 }, large: { fit: "scale-down", width: 1600, height: 1200 } };
	const have = (await ask(token, `${images}/v1/variants`)).variants;
	for (const [id, options] of Object.entries(wanted)) {
		if (have[id]) continue;
		await ask(token, `${images}/v1/variants`, {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ id, options: { ...options, metadata: "none" }, neverRequireSignedURLs: false }),
		});
	}
}

async function link(token, images, key) {
	const form = new FormData();
	form.set("requireSignedURLs", "true");
	form.set("expiry", new Date(Date.now() + UPLOAD_S * 1000).toISOString().replace(/\.\d+Z/, "Z"));
	const draft = await ask(token, `${images}/v2/direct_upload`, { method: "POST", body: form });
	const paths = (await ask(token, `${images}/v1/${draft.id}`)).variants.map((url) => new URL(url).pathname);
	const signed = (variant) => run("sign", "--key", `default:file:${key}`, "--for", String(SEEN_S),
		paths.find((path) => path.endsWith(`/${variant}`))).trim();
	return { upload: draft.uploadURL, card: signed("card"), large: signed("large") };
}

const { token, id } = await account();
const images = `/accounts/${id}/images`;
const { keys } = await ask(token, `${images}/v1/keys`);
const key = `${data}/delivery-key`;
writeFileSync(key, keys.find(({ name }) => name === "default").value, { mode: 0o600 });
await variants(token, images);
const links = [];
for (let i = 0; i < LINKS; i++) links.push(await link(token, images, key));
// At once, for somebody may be looking.
writeFileSync(`${data}/gallery/uploads.new`, JSON.stringify(links));
renameSync(`${data}/gallery/uploads.new`, `${data}/gallery/uploads.json`);
