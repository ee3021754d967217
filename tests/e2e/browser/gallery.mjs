// Opens the gallery and the playground as a person would, and looks at what is there.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createApi } from "node:http";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { chromium } = createRequire(import.meta.url)("../../../node_modules/playwright-core");
const WAIT_MS = 60_000;
const SCREENS = "build/screens";
let passed = 0, failed = 0;

async function check(name, run) {
	try {
		await run();
		passed++;
		console.log(`ok    ${name}`);
	} catch (why) {
		failed++;
		console.log(`BAD   ${name}: ${why.stack ?? why}`);
	}
}

function assert(holds, ...what) {
	if (!holds) throw new Error(what.map((one) => typeof one === "string" ? one : JSON.stringify(one)).join(" "));
}

const freePort = () => new Promise((done) => {
	const server = createServer().listen(0, "127.0.0.1", () => {
		const { port } = server.address();
		server.close(() => done(port));
	});
});

// demo/run, until it has said where it is.
async function startDemo(port, admin) {
	const demo = spawn("demo/run", {
		env: { ...process.env, SELVEDGE_DEMO_PORT: String(port), SELVEDGE_DEMO_ADMIN_PORT: String(admin) },
		stdio: ["ignore", "pipe", "pipe"],
		detached: true,
	});
	let said = "";
	const ended = new Promise((done) => demo.on("exit", (code) => done(code)));
	await new Promise((done, fail) => {
		const hear = (data) => {
			said += data;
			if (said.includes("/metrics")) done();
		};
		demo.stdout.on("data", hear);
		demo.stderr.on("data", hear);
		ended.then((code) => fail(new Error(`demo/run ended with ${code}: ${said}`)));
	});
	return { demo, ended, said };
}

// The picture that each figure shows, once it is decoded.
const figures = (page) => page.evaluate(async () => {
	const all = [];
	for (const image of document.querySelectorAll("figure img")) {
		image.loading = "eager";
		image.scrollIntoView();
		await image.decode();
		// Beside a srcset an <img> tells its size in CSS px; one alone tells that of the file.
		const alone = new Image();
		alone.src = image.currentSrc;
		await alone.decode();
		all.push({ source: image.closest("figure").dataset.source, url: image.currentSrc,
			shown: image.naturalWidth > 0 && image.complete,
			width: alone.naturalWidth, height: alone.naturalHeight });
	}
	return all;
});

const port = await freePort(), admin = await freePort();
const origin = `http://127.0.0.1:${port}`;
mkdirSync(SCREENS, { recursive: true });
const { demo, ended, said } = await startDemo(port, admin);
const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

const troubles = [];
async function open(path, options = {}) {
	const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
	page.setDefaultTimeout(WAIT_MS);
	page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
	page.on("pageerror", (why) => troubles.push(String(why)));
	await page.goto(origin + path);
	return page;
}

await check("demo/run says where the gallery, a signed link and the metrics are", async () => {
	for (const line of [`${origin}/gallery/`, `${origin}/cdn-cgi/image/`, `http://127.0.0.1:${admin}/metrics`])
		assert(said.includes(line), "not said:", line, said);
	const link = said.match(/http\S+sig=[0-9a-f]{64}/)[0];
	assert((await fetch(link)).status === 200, link);
	assert((await fetch(link.replace("width=640", "width=641"))).status === 403, "a changed link");
	assert((await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()).includes("selvedge_requests_total"));
});

const gallery = await open("/gallery/");
await check("every picture of the gallery is decoded in the width that its link asks", async () => {
	const all = await figures(gallery);
	assert(all.length >= 12, "only", all.length);
	for (const { source, url, shown, width, height } of all) {
		assert(shown, source, "is not shown");
		const asked = Number(/[/,]width=(\d+)/.exec(url)?.[1]);
		if (source.endsWith(".svg")) continue; // it has the size that it says itself
		if (url.includes("preset=framed")) assert(width === 480 + 24 && height === 320 + 24, url, width, height);
		else if (url.includes("preset=signed")) assert(width === 480 && height === 320, url, width, height);
		else assert(width === asked, source, "has", width, "asked", asked);
	}
});
await check("they come as AVIF or WebP, as this browser shows them", async () => {
	for (const { source, url } of await figures(gallery)) {
		const type = (await gallery.request.get(url, { headers: { Accept: "image/avif,image/webp,*/*" } }))
			.headers()["content-type"];
		const good = source.endsWith(".svg") ? ["image/svg+xml"] : ["image/avif", "image/webp"];
		assert(good.includes(type), source, type);
	}
});
await check("what was stored on its side stands upright", async () => {
	const one = (await figures(gallery)).find(({ source }) => source.includes("exif6"));
	const facts = await (await gallery.request.get(origin + await gallery
		.locator('figure[data-source*="exif6"]').getAttribute("data-facts"))).json();
	assert(facts.original.width > facts.original.height && one.width >= one.height, facts, one);
});
await check("the drawing has lost its script", async () => {
	const url = (await figures(gallery)).find(({ source }) => source.endsWith(".svg")).url;
	const reply = await gallery.request.get(url);
	const text = await reply.text();
	assert(text.includes("<circle") && !/script|onclick|example\.com/.test(text), text);
	assert(reply.headers()["content-security-policy"].includes("sandbox"));
});
await check("captions tell what each picture weighs", async () => {
	await gallery.waitForFunction(() => {
		window.scrollBy(0, 300);
		if (window.scrollY + window.innerHeight >= document.body.scrollHeight - 2) window.scrollTo(0, 0);
		return [...document.querySelectorAll(".bytes")]
			.every((one) => /\d+ px (avif|webp|svg\+xml), .*iB of .*iB/.test(one.textContent));
	}, null, { polling: 200, timeout: 20_000 }).catch(async () => {
		throw new Error(JSON.stringify(await gallery.locator(".bytes").allTextContents()));
	});
});
await check("screens of the gallery", async () => {
	await gallery.evaluate(() => scrollTo(0, 0));
	await gallery.screenshot({ path: `${SCREENS}/gallery.png` });
	await gallery.screenshot({ path: `${SCREENS}/gallery-whole.png`, fullPage: true });
	const phone = await open("/gallery/", { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
	await figures(phone);
	await phone.evaluate(() => scrollTo(0, 0));
	await phone.screenshot({ path: `${SCREENS}/gallery-phone-dark.png` });
	await phone.close();
});

// --- uploads ---

const uploader = await open("/gallery/");
const status = (text) => uploader.waitForFunction((want) => document.querySelector(".drop [role=status]")
	.textContent.includes(want), text);
const newest = () => uploader.evaluate(async () => {
	const image = document.querySelector(".uploaded img");
	await image.decode();
	return { src: image.getAttribute("src"), width: image.naturalWidth, height: image.naturalHeight,
		large: document.querySelector(".uploaded a").getAttribute("href"),
		count: document.querySelectorAll(".uploaded").length };
});
const signature = /[?&]sig=[0-9a-f]{64}$/;
await check("a picture that is chosen is uploaded and shown by a signed link", async () => {
	await uploader.setInputFiles(".drop input", "demo/samples/boats.jpg");
	await status("boats.jpg is there");
	const { src, width, height, large, count } = await newest();
	assert(count === 1 && width === 480 && height === 320 && signature.test(src) && signature.test(large), src, width, height);
	const bare = await uploader.request.get(origin + src.replace(/\?.*/, ""));
	assert(bare.status() === 403, "without its signature", bare.status());
	const whole = await uploader.request.get(origin + large);
	assert(whole.status() === 200 && whole.headers()["cache-control"].startsWith("private"), whole.status());
});
await check("a picture that is dropped onto the page is, too", async () => {
	const data = await uploader.evaluateHandle(async () => {
		const reply = await fetch("/samples/ladybird-exif6.jpg");
		const transfer = new DataTransfer();
		transfer.items.add(new File([await reply.blob()], "dropped.jpg", { type: "image/jpeg" }));
		return transfer;
	});
	await uploader.dispatchEvent("main", "dragover", { dataTransfer: data });
	assert(await uploader.locator(".drop.over").count() === 1, "nothing shows that it may be dropped");
	await uploader.dispatchEvent("main", "drop", { dataTransfer: data });
	await status("dropped.jpg is there");
	const { count, width, height } = await newest();
	assert(count === 2 && width === 480 && height === 320, count, width, height);
});
await check("what is no picture is refused, with the reason", async () => {
	await uploader.setInputFiles(".drop input", "demo/samples/CREDITS.md");
	await status("CREDITS.md: ");
	const text = await uploader.locator(".drop [role=status]").textContent();
	assert(/pictur|image|kind/i.test(text), text);
	assert((await newest()).count === 2);
});
await check("a link outlives an answer that is no JSON, and none at all", async () => {
	const sent = [];
	const turns = [
		["rain.jpg: the server answered with status 502", (route) => route.fulfill({
			status: 502, contentType: "text/html", body: "<h1>No", headers: { "Access-Control-Allow-Origin": "*" } })],
		["rain.jpg: Failed to fetch", (route) => route.abort()],
		["rain.jpg is there", (route) => route.continue()],
	];
	for (const [text, answer] of turns) {
		await uploader.route("**/client/v4/upload/*", (route) => {
			sent.push(route.request().url());
			return answer(route);
		}, { times: 1 });
		await uploader.setInputFiles(".drop input", "demo/samples/rain.jpg");
		await status(text);
	}
	assert(sent.length === 3 && new Set(sent).size === 1, sent);
});
await check("a link that somebody has used is passed over", async () => {
	const second = await open("/gallery/"); // it has the links as they were at first
	await second.setInputFiles(".drop input", "demo/samples/rain.jpg");
	await second.waitForFunction(() => document.querySelector(".drop [role=status]").textContent.includes("rain.jpg is there"));
	assert(await second.locator(".uploaded").count() === 1);
	await second.close();
});
await check("no page has a token", async () => {
	for (const path of ["/gallery/", "/gallery/uploads.json", "/upload.js", "/gallery.js"]) {
		const text = await (await uploader.request.get(origin + path)).text();
		assert(!/slv_[0-9a-f]{32}_/.test(text) && !text.includes("Bearer"), path, "has one");
	}
	for (const path of ["/data/token", "/token", "/gallery/../token", "/gallery/%2e%2e/token"])
		assert((await uploader.request.get(origin + path)).status() >= 400, path);
});
await check("screens of uploads", async () => {
	await uploader.evaluate(() => document.querySelector(".drop").scrollIntoView());
	await uploader.screenshot({ path: `${SCREENS}/uploads.png` });
	await uploader.setViewportSize({ width: 390, height: 844 });
	await uploader.emulateMedia({ colorScheme: "dark" });
	await uploader.evaluate(() => document.querySelector(".drop").scrollIntoView());
	await uploader.screenshot({ path: `${SCREENS}/uploads-phone-dark.png` });
});

await check("a token is made anew only where the one that is kept is refused", async () => {
	const folder = mkdtempSync(join(tmpdir(), "selvedge-uploads-"));
	writeFileSync(`${folder}/token`, "slv_kept");
	for (const [status, told] of [[500, "as the test says"], [429, "as the test says"],
		[401, "/bin/false token create"], [403, "/bin/false token create"]]) {
		const api = createApi((request, reply) => reply.writeHead(status, { "Content-Type": "application/json" })
			.end(JSON.stringify({ success: false, errors: [{ message: "as the test says" }] })));
		await new Promise((done) => api.listen(0, "127.0.0.1", done));
		const make = spawn(process.execPath, ["demo/make-uploads.mjs", "/bin/false", "none.yaml",
			`http://127.0.0.1:${api.address().port}`, folder], { stdio: ["ignore", "ignore", "pipe"] });
		let said = "";
		make.stderr.on("data", (data) => said += data);
		const code = await new Promise((done) => make.on("close", done));
		api.closeAllConnections();
		api.close();
		assert(code !== 0 && said.includes(told), status, said);
	}
	rmSync(folder, { recursive: true });
});

const play = await open("/playground.html");
const fact = (id) => play.locator(`#${id}`).textContent();
const size = (text) => play.waitForFunction((want) => document.getElementById("size").textContent === want, text);
await check("the playground shows a picture and what there is to know of it", async () => {
	await size("640 × 400");
	assert(await fact("type") === "image/avif", await fact("type"));
	assert(/iB$/.test(await fact("bytes")) && /ms$/.test(await fact("time")));
	assert((await fact("link")) === "/play/width=640,format=auto/samples/boats.jpg", await fact("link"));
});
await check("a knob that is turned changes the picture; asked again it is a hit", async () => {
	await play.fill("[name=width]", "320");
	await size("320 × 200");
	await play.selectOption("[name=rotate]", "90");
	await size("320 × 512");
	await play.selectOption("[name=rotate]", "");
	await size("320 × 200");
	await play.waitForFunction(() => document.getElementById("cache").textContent.startsWith("hit"));
	await play.selectOption("[name=format]", "png");
	await play.waitForFunction(() => document.getElementById("type").textContent === "image/png");
});
await check("a wrong option shows the reason", async () => {
	await play.fill("[name=width]", "0");
	await play.waitForFunction(() => document.getElementById("why").textContent
		.includes("option width is '0', must be 1 to 2000 or auto"));
	assert(await play.locator("#why").isVisible() && !await play.locator("#image").isVisible());
});
await check("the keyboard is enough", async () => {
	await play.locator("[name=source]").focus();
	await play.keyboard.press("Tab");
	await play.keyboard.press("Control+A");
	await play.keyboard.type("200");
	await size("200 × 125");
	assert(await play.evaluate(() => document.activeElement.name) === "width");
});
await check("screens of the playground", async () => {
	await play.selectOption("[name=format]", "auto");
	await play.fill("[name=width]", "960");
	await size("960 × 600");
	await play.screenshot({ path: `${SCREENS}/playground.png` });
	await play.emulateMedia({ colorScheme: "dark" });
	await play.screenshot({ path: `${SCREENS}/playground-dark.png` });
	await play.setViewportSize({ width: 390, height: 844 });
	await play.screenshot({ path: `${SCREENS}/playground-phone-dark.png`, fullPage: true });
});
await check("no page has complained", async () => {
	// The one wrong option is a reply of status 400, what is no picture one of 415, a link that was used
	// one of 403, and two uploads were made to fail; the browser tells them as errors.
	const others = troubles.filter((text) => !/status of (400|403|415|502)|net::ERR_FAILED/.test(text));
	assert(others.length === 0, others);
});
await browser.close();
await check("Ctrl-C ends it, and nothing is left", async () => {
	process.kill(demo.pid, "SIGINT");
	assert(await ended === 0, "exit status", await ended);
	const left = await fetch(origin).then(() => true, () => false);
	assert(!left, "somebody still answers");
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
