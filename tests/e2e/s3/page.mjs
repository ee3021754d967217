// node page.mjs PAGE LINKS: what a page of one site gets of the links of another, as JSON.
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)("../../../node_modules/playwright-core");
const [page_url, links] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
	const page = await browser.newPage();
	await page.goto(page_url);
	const seen = await page.evaluate(async (links) => {
		const ask = async (url, options) => {
			try {
				const reply = await fetch(url, options);
				return { status: reply.status, text: await reply.text(), etag: reply.headers.get("etag") };
			} catch (why) {
				return { failed: why.name };
			}
		};
		return {
			get: await ask(links.get),
			put: await ask(links.put, { method: "PUT", body: "written by a page" }),
			again: await ask(links.get, { cache: "no-store" }), // it may keep what it has just read
			missing: await ask(links.missing),
			delete: await ask(links.delete, { method: "DELETE" }),
			hidden: await ask(links.hidden),
		};
	}, JSON.parse(links));
	console.log(JSON.stringify(seen));
} finally {
	await browser.close();
}
