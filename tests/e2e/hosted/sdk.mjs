// Cloudflare's own client, told nothing but where the API is and its token. What is wrong is an
// exception.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import Cloudflare, { toFile } from 'cloudflare';

const [baseURL, apiToken, account_id, path, other] = process.argv.slice(2);
const client = new Cloudflare({ baseURL, apiToken, maxRetries: 0 });
const images = client.images.v1;
const at = { account_id };
const bytes = await readFile(path);
const file = () => toFile(bytes, 'harbour.png', { type: 'image/png' });

async function rejects(promise, kind, status) {
	await assert.rejects(promise, (error) => {
		assert.ok(error instanceof kind, `${error}`);
		assert.equal(error.status, status);
		assert.ok(error.errors.length > 0 && error.errors[0].code > 0);
		return true;
	});
}

async function pictures() {
	const made = await images.create({ ...at, file: await file(), id: 'shop/shoes 1',
		creator: 'ada', metadata: { shelf: 3, at: { row: 'b' } }, requireSignedURLs: true });
	assert.equal(made.id, 'shop/shoes 1');
	assert.equal(made.filename, 'harbour.png');
	assert.deepEqual(made.meta, { shelf: '3', at: { row: 'b' } }); // as its forms say it
	assert.ok(made.requireSignedURLs && made.variants.length === 1);
	assert.ok(Math.abs(Date.parse(made.uploaded) - Date.now()) < 60000);
	assert.deepEqual(await images.get(made.id, at), made);
	const blob = await images.blobs.get(made.id, at);
	assert.equal(blob.headers.get('content-type'), 'image/png');
	assert.deepEqual(Buffer.from(await blob.arrayBuffer()), bytes);
	const edited = await images.edit(made.id, { ...at, requireSignedURLs: false,
		metadata: { shelf: 4 }, creator: 'bob' });
	assert.deepEqual(edited, { ...made, requireSignedURLs: false, meta: { shelf: 4 },
		creator: 'bob' });
	await rejects(images.create({ ...at, file: await file(), id: made.id }),
		Cloudflare.ConflictError, 409);
	await rejects(images.create({ ...at, file: await toFile(Buffer.from('text'), 'a.png') }),
		Cloudflare.APIError, 415);
	const fetched = await images.create({ ...at, url: other });
	assert.equal(fetched.filename, 'harbour.png');
	await images.delete(fetched.id, at);
	await rejects(images.get(fetched.id, at), Cloudflare.NotFoundError, 404);
}

async function lists() {
	for (let number = 0; number < 12; number++)
		await images.create({ ...at, file: await file(), id: `page ${number}` });
	const first = await images.list({ ...at, per_page: 10 });
	assert.equal(first.result.images.length, 10);
	assert.equal(first.result.images[0].id, 'page 11');
	const seen = [];
	let token;
	do {
		const page = await client.images.v2.list({ ...at, per_page: 10, sort_order: 'asc',
			...(token ? { continuation_token: token } : {}) });
		seen.push(...page.images.map((image) => image.id));
		token = page.continuation_token;
	} while (token);
	assert.equal(seen.length, 13);
	assert.equal(seen[1], 'page 0');
	const found = await client.images.v2.list({ ...at, creator: 'bob',
		meta: { 'shelf[gte:number]': '4' } });
	assert.deepEqual(found.images.map((image) => image.id), ['shop/shoes 1']);
	assert.deepEqual(await images.stats.get(at), { count: { current: 13, allowed: 100000 } });
}

async function variants() {
	const options = { fit: 'scale-down', height: 768, metadata: 'none', width: 1366 };
	const wanted = { id: 'hero', options, neverRequireSignedURLs: true };
	const { variant } = await images.variants.create({ ...at, ...wanted });
	assert.deepEqual(variant, wanted);
	assert.deepEqual((await images.variants.get('hero', at)).variant, wanted);
	const edited = await images.variants.edit('hero', { ...at, options: { ...options, width: 9 } });
	assert.equal(edited.variant.options.width, 9);
	const all = await images.variants.list(at);
	assert.deepEqual(Object.keys(all.variants), ['public', 'hero']);
	assert.equal((await images.get('page 0', at)).variants.length, 2);
	await images.variants.delete('hero', at);
	await rejects(images.variants.get('hero', at), Cloudflare.NotFoundError, 404);
}

async function keys() {
	assert.deepEqual((await images.keys.list(at)).keys.map((key) => key.name), ['default']);
	const two = await images.keys.update('mine', at);
	assert.deepEqual(two.keys.map((key) => key.name), ['default', 'mine']);
	const one = await images.keys.delete('default', at);
	assert.deepEqual(one.keys, [two.keys[1]]);
}

async function directUpload() {
	const create = (params) => client.images.v2.directUploads.create({ ...at, ...params });
	const { id, uploadURL } = await create({ metadata: { from: 'a phone' },
		expiry: new Date(Date.now() + 600000).toISOString(), requireSignedURLs: false });
	assert.equal((await images.get(id, at)).draft, true);
	const form = new FormData();
	form.append('file', new Blob([bytes]), 'phone.png');
	const reply = await fetch(uploadURL, { method: 'POST', body: form });
	assert.equal(reply.status, 200);
	const { result } = await reply.json();
	assert.equal(result.id, id);
	const shown = await images.get(id, at);
	assert.equal(shown.draft, undefined);
	assert.deepEqual(shown.meta, { from: 'a phone' });
	assert.equal((await fetch(uploadURL, { method: 'POST', body: form })).status, 403);
	assert.ok((await create({})).uploadURL);
}

// There is nothing for batch tokens in it, but another address will do.
async function batch() {
	const { result } = await client.get(`/accounts/${account_id}/images/v1/batch_token`);
	const own = new Cloudflare({ baseURL, apiToken: result.token, maxRetries: 0 });
	const { result: shown } = await own.get('/images/v1/page%200');
	assert.equal(shown.id, 'page 0');
	await assert.rejects(own.images.v1.get('page 0', at));
}

await pictures();
await lists();
await variants();
await keys();
await directUpload();
await batch();
