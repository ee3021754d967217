// What a program does with @aws-sdk/client-s3: with_sdk.mjs ENDPOINT
//
// Credentials are in the environment. Each step that holds prints its name, the last one "done".
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import * as sdk from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

const MIB = 1 << 20;
const Bucket = "sdk";
const s3 = new sdk.S3Client({ endpoint: process.argv[2], region: "auto", forcePathStyle: true });

function ask(name, more = {}) {
	return s3.send(new sdk[`${name}Command`]({ Bucket, ...more }));
}

async function read(Key, more = {}) {
	const reply = await ask("GetObject", { Key, ...more });
	return Buffer.from(await reply.Body.transformToByteArray());
}

async function refused(status, name, asked) {
	const error = await asked.then(() => null, (failed) => failed);
	assert(error, "it was not refused");
	assert.deepEqual([error.$metadata.httpStatusCode, error.name], [status, name]);
}

const steps = {
	async bucket() {
		await ask("CreateBucket");
		await ask("HeadBucket");
		assert((await ask("ListBuckets", { Bucket: undefined })).Buckets
			.some((bucket) => bucket.Name === Bucket));
	},

	async objects() {
		for (const Body of [Buffer.alloc(0), Buffer.from("abc"), randomBytes(300_000)]) {
			const put = await ask("PutObject", { Key: "a/ü +%.txt", Body,
				Metadata: { one: "two" }, ContentType: "text/plain" });
			assert.equal(put.ETag, `"${createHash("md5").update(Body).digest("hex")}"`);
			assert(put.ChecksumCRC32);
			const got = await ask("GetObject", { Key: "a/ü +%.txt" });
			assert.deepEqual(Buffer.from(await got.Body.transformToByteArray()), Body);
			assert.deepEqual([got.Metadata, got.ContentType], [{ one: "two" }, "text/plain"]);
		}
		await refused(404, "NoSuchKey", ask("GetObject", { Key: "none" }));
		await refused(404, "NotFound", ask("HeadObject", { Key: "none" }));
	},

	// Of small pieces: each is a chunk of aws-chunked within a chunk of HTTP.
	async streams() {
		const pieces = Array.from({ length: 1000 }, (_, number) => Buffer.from(`${number % 10}ab`));
		await ask("PutObject", { Key: "stream", Body: Readable.from(pieces), ContentLength: 3000 });
		assert.deepEqual(await read("stream"), Buffer.concat(pieces));
	},

	async checksums() {
		for (const name of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
			const Body = Buffer.from(name);
			const put = await ask("PutObject", { Key: "sum", Body, ChecksumAlgorithm: name })
				.catch((error) => {
					if (/install|dependenc|container/i.test(error.message))
						return null; // a checksum that is in a package of its own
					throw error;
				});
			if (!put)
				continue;
			const head = await ask("HeadObject", { Key: "sum", ChecksumMode: "ENABLED" });
			assert(put[`Checksum${name}`]);
			assert.equal(head[`Checksum${name}`], put[`Checksum${name}`]);
			assert.deepEqual(await read("sum"), Body);
		}
		await refused(400, "BadDigest", ask("PutObject", {
			Key: "wrong", Body: Buffer.from("abc"), ChecksumCRC32: "AAAAAA==" }));
	},

	async ranges() {
		assert.equal((await read("stream", { Range: "bytes=3-5" })).toString(), "1ab");
		await refused(416, "InvalidRange", ask("GetObject", {
			Key: "stream", Range: "bytes=3000-" }));
	},

	async conditions() {
		const { ETag } = await ask("HeadObject", { Key: "stream" });
		const same = await ask("GetObject", { Key: "stream", IfNoneMatch: ETag }).catch((error) => error);
		assert.equal(same.$metadata.httpStatusCode, 304);
		await refused(412, "PreconditionFailed", ask("PutObject", {
			Key: "stream", Body: "x", IfNoneMatch: "*" }));
		await ask("PutObject", { Key: "stream", Body: "x", IfMatch: ETag });
		assert.equal((await read("stream")).toString(), "x");
	},

	async uploads() {
		const data = randomBytes(12 * MIB + 1);
		await new Upload({ client: s3, partSize: 5 * MIB, queueSize: 2,
			params: { Bucket, Key: "large", Body: Readable.from([data.subarray(0, MIB),
				data.subarray(MIB)]) } }).done();
		assert((await ask("HeadObject", { Key: "large" })).ETag.endsWith('-3"'));
		assert(data.equals(await read("large")));
		assert(data.subarray(5 * MIB, 10 * MIB).equals(await read("large", { PartNumber: 2 })));
		await ask("CopyObject", { Key: "copy", CopySource: `${Bucket}/large` });
		assert(data.equals(await read("copy")));
	},

	async lists() {
		for (let number = 0; number < 12; number++)
			await ask("PutObject", { Key: `list/${number}/é&<`, Body: "" });
		const keys = [];
		for await (const page of sdk.paginateListObjectsV2({ client: s3, pageSize: 5 },
			{ Bucket, Prefix: "list/" }))
			keys.push(...page.Contents.map((each) => each.Key));
		assert.equal(keys.length, 12);
		assert(keys.every((key) => key.endsWith("/é&<")));
	},

	async end() {
		const { Contents } = await ask("ListObjectsV2");
		const { Deleted, Errors } = await ask("DeleteObjects", {
			Delete: { Objects: Contents.map(({ Key }) => ({ Key })) } });
		assert.deepEqual([Deleted.length, Errors], [Contents.length, undefined]);
		await ask("DeleteBucket");
	},
};

for (const [name, step] of Object.entries(steps)) {
	await step();
	console.log(name);
}
console.log("done");
