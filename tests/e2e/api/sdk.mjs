// Cloudflare's own client, told nothing but where the API is and its token. Prints what it got as
// JSON; what is wrong is an exception.
import assert from 'node:assert/strict';
import Cloudflare from 'cloudflare';

const [baseURL, apiToken, account_id] = process.argv.slice(2);
const client = new Cloudflare({ baseURL, apiToken, maxRetries: 0 });
const kv = client.kv.namespaces;

async function rejects(promise, kind, status) {
	await assert.rejects(promise, (error) => {
		assert.ok(error instanceof kind, `${error}`);
		assert.equal(error.status, status);
		assert.ok(error.errors.length > 0 && error.errors[0].code > 0);
		return true;
	});
}

async function namespaces() {
	const made = await kv.create({ account_id, title: 'of the client' });
	assert.equal(made.title, 'of the client');
	assert.deepEqual(await kv.get(made.id, { account_id }), made);
	await kv.update(made.id, { account_id, title: 'renamed' });
	const titles = [];
	for (let number = 0; number < 25; number++)
		await kv.create({ account_id, title: `page ${number}` });
	for await (const space of kv.list({ account_id, per_page: 10, order: 'title' }))
		titles.push(space.title);
	assert.deepEqual(titles, [...titles].sort());
	assert.equal(titles.length, 26);
	assert.ok(titles.includes('renamed'));
	await rejects(kv.create({ account_id, title: 'renamed' }), Cloudflare.BadRequestError, 400);
	await rejects(kv.get('0'.repeat(32), { account_id }), Cloudflare.NotFoundError, 404);
	return made.id;
}

async function values(namespace_id) {
	const at = { account_id, namespace_id };
	const key = 'a/b c+d ü';
	await kv.values.update(key, { ...at, value: 'text', metadata: JSON.stringify({ a: 1 }) });
	assert.equal(await (await kv.values.get(key, at)).text(), 'text');
	assert.deepEqual(await kv.metadata.get(key, at), { a: 1 });
	await kv.values.update('expires', { ...at, value: 'x', expiration_ttl: 600 });
	const reply = await kv.values.get('expires', at);
	assert.ok(Number(reply.headers.get('expiration')) > Date.now() / 1000 + 500);
	await kv.values.delete('expires', at);
	await rejects(kv.values.get('expires', at), Cloudflare.NotFoundError, 404);
	await kv.values.delete(key, at);
}

async function bulks(id) {
	const body = Array.from({ length: 2500 }, (_, number) => ({
		key: `key ${String(number).padStart(4, '0')}`, value: `${number}`,
		...(number % 2 ? { metadata: { number } } : {}),
	}));
	const wrote = await kv.bulkUpdate(id, { account_id, body });
	assert.deepEqual(wrote, { successful_key_count: 2500, unsuccessful_keys: [] });
	const keys = [];
	for await (const key of kv.keys.list(id, { account_id, limit: 1000 }))
		keys.push(key);
	assert.deepEqual(keys.map((key) => key.name), body.map((pair) => pair.key));
	assert.deepEqual(keys[1], { name: 'key 0001', metadata: { number: 1 } });
	const got = await kv.bulkGet(id, { account_id, keys: ['key 0001', 'never'], withMetadata: true });
	assert.deepEqual(got.values, {
		'key 0001': { value: '1', metadata: { number: 1 } }, never: null });
	const gone = await kv.bulkDelete(id, { account_id, body: body.map((pair) => pair.key) });
	assert.equal(gone.successful_key_count, 2500);
	assert.deepEqual((await kv.keys.list(id, { account_id })).result, []);
	const { result } = await kv.keys.list(id, { account_id, prefix: 'key' });
	assert.deepEqual(result, []);
	await kv.delete(id, { account_id });
	await rejects(kv.keys.list(id, { account_id }), Cloudflare.NotFoundError, 404);
}

async function tokens() {
	const own = client.accounts.tokens;
	const groups = [];
	for await (const group of own.permissionGroups.list({ account_id }))
		groups.push(group);
	const reads = groups.find((group) => group.name === 'Workers KV Storage Read');
	const policies = [{ effect: 'allow', permission_groups: [{ id: reads.id }],
		resources: { [`com.cloudflare.api.account.${account_id}`]: '*' } }];
	const made = await own.create({ account_id, name: 'of the client', policies,
		expires_on: '2100-01-01T00:00:00Z', condition: { request_ip: { in: ['127.0.0.0/8'] } } });
	const limited = new Cloudflare({ baseURL, apiToken: made.value, maxRetries: 0 });
	assert.equal((await limited.accounts.tokens.verify({ account_id })).status, 'active');
	assert.equal((await limited.user.tokens.verify()).id, made.id);
	await rejects(limited.kv.namespaces.create({ account_id, title: 'x' }),
		Cloudflare.PermissionDeniedError, 403);
	const got = await own.get(made.id, { account_id });
	assert.deepEqual(got.condition, { request_ip: { in: ['127.0.0.0/8'] } });
	await own.update(made.id, { account_id, name: 'renamed', policies: got.policies,
		status: got.status });
	const value = await own.value.update(made.id, { account_id, body: {} });
	await rejects(limited.accounts.tokens.verify({ account_id }),
		Cloudflare.PermissionDeniedError, 403);
	const rolled = new Cloudflare({ baseURL, apiToken: value, maxRetries: 0 });
	assert.equal((await rolled.accounts.tokens.verify({ account_id })).id, made.id);
	const names = [];
	for await (const token of own.list({ account_id, per_page: 5 }))
		names.push(token.name);
	assert.deepEqual(names.sort(), ['first', 'renamed']);
	assert.equal((await own.delete(made.id, { account_id })).id, made.id);
	await rejects(own.get(made.id, { account_id }), Cloudflare.NotFoundError, 404);
	await rejects(new Cloudflare({ baseURL, apiToken: 'x' }).accounts.tokens.verify({ account_id }),
		Cloudflare.PermissionDeniedError, 403);
}

for await (const account of client.accounts.list())
	assert.equal(account.id, account_id);
assert.equal((await client.accounts.get({ account_id })).id, account_id);
const id = await namespaces();
await values(id);
await bulks(id);
await tokens();
