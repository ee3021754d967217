/* Pictures of the image store, with the rows and blobs of a store in a folder of the test's own. */
#include "service/image/testing.h"

#include "base/mem.h"
#include "service/image/hosted/record.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define UUID "2cdc28f0-017a-49c4-9ed7-87056c83901f"
#define FULL_S 784111777 /* the bench's time */
#define PATIENCE_MS 60000

struct kit {
	struct bench *bench;
	char folder[40], hash[HOSTED_HASH_BYTES + 1];
	struct slv_loop *watch; /* has the real clock, and asks the store for the test: the bench's
	                           loop stands still meanwhile */
	struct slv_omap *map;
	void *settings[64], *shared, *self;
	bool pending;
	slv_err err;
	struct slv_blob_ref ref;
};

/* --- the store --- */

static void turn(struct kit *kit, uint64_t begun_ms)
{
	bench_turn(kit->bench);
	sched_yield();
	if (slv_loop_now_ms(kit->watch) - begun_ms > PATIENCE_MS)
		fail_msg("waited in vain");
	slv_loop_turn(kit->watch, false);
}

static void wait_for_it(struct kit *kit)
{
	while (kit->pending)
		slv_loop_turn(kit->watch, true);
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

struct ask {
	struct slv_omap_batch batch;
	struct kit *kit;
};

static void on_write(struct slv_omap_batch *batch, slv_err err)
{
	struct kit *kit = SLV_CONTAINER(batch, struct ask, batch)->kit;
	kit->err = err;
	kit->pending = false;
}

static void change(struct kit *kit, struct slv_omap *map, slv_str key, slv_str value, bool put)
{
	struct slv_omap_change one = {
		.what = put ? SLV_OMAP_PUT : SLV_OMAP_REMOVE, .key = key, .value = value
	};
	struct ask ask = { .kit = kit };
	ask.batch = (struct slv_omap_batch){
		.map = map, .changes = &one, .count = 1, .done = on_write
	};
	kit->pending = true;
	slv_omap_write(kit->watch, &ask.batch);
	wait_for_it(kit);
}

static void put(struct kit *kit, char kind, const char *id, slv_str value)
{
	char room[HOSTED_KEY_BYTES_MAX];
	change(kit, kit->map, hosted_row_key(kind, slv_str_from(id), room), value, true);
}

static void take_away(struct kit *kit, char kind, const char *id)
{
	char room[HOSTED_KEY_BYTES_MAX];
	change(kit, kit->map, hosted_row_key(kind, slv_str_from(id), room), (slv_str){ 0 }, false);
}

static void on_finish(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct kit *kit = arg;
	kit->err = err;
	if (ref)
		kit->ref = *ref;
	kit->pending = false;
}

static void on_blob(void *arg, slv_err err)
{
	on_finish(arg, err, NULL);
}

static struct slv_blob_ref blob(struct kit *kit, const char *bytes)
{
	struct slv_blob_writer *writer;
	assert_false(slv_failed(slv_blob_writer_new(kit->watch, kit->bench->env.blobs, &writer)));
	kit->pending = true;
	slv_blob_write(writer, slv_str_from(bytes), on_blob, kit);
	wait_for_it(kit);
	kit->pending = true;
	slv_blob_finish(writer, on_finish, kit);
	wait_for_it(kit);
	slv_blob_writer_free(writer);
	return kit->ref;
}

static struct hosted_image store_as(
		struct kit *kit, const char *id, const char *bytes, struct hosted_image image)
{
	char row[HOSTED_IMAGE_BYTES_MAX];
	if (!image.is_draft)
		image.blob = blob(kit, bytes);
	put(kit, 'i', id, (slv_str){ row, hosted_image_write(&image, row) });
	return image;
}

static struct hosted_image store(struct kit *kit, const char *id, const char *bytes)
{
	return store_as(kit, id, bytes, (struct hosted_image){ 0 });
}

static void variant(struct kit *kit, const char *id, const char *options, bool never_signed)
{
	char row[HOSTED_VARIANT_BYTES_MAX];
	struct hosted_variant made = { .never_signed = never_signed,
		.options = slv_str_from(options) };
	put(kit, 'v', id, (slv_str){ row, hosted_variant_write(&made, row) });
}

static void flexible(struct kit *kit, bool yes)
{
	char row[HOSTED_CONFIG_BYTES];
	struct hosted_config config = { .flexible_variants = yes };
	slv_str value = { row, hosted_config_write(&config, row) };
	change(kit, kit->map, SLV_STR(HOSTED_CONFIG_KEY), value, true);
}

/* The signing keys: one for each value. */
static void sign_with(struct kit *kit, const char *one, const char *other)
{
	char row[HOSTED_KEYS_BYTES_MAX];
	struct hosted_keys keys = { .count = other ? 2 : 1,
		.at = { { SLV_STR("default"), slv_str_from(one) } } };
	if (other)
		keys.at[1] = (struct hosted_key){ SLV_STR("second"), slv_str_from(other) };
	slv_str value = { row, hosted_keys_write(&keys, row) };
	change(kit, kit->map, SLV_STR(HOSTED_KEYS_KEY), value, true);
}

/* --- a client --- */

struct client {
	struct slv_sink sink;
	struct slv_req req;
	struct slv_arena arena;
	struct kit *kit;
	unsigned replies;
	int status;
	char body[256], fields[2048];
};

static void client_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct client *client = SLV_CONTAINER(sink, struct client, sink);
	size_t len = 0;
	(void)req;
	client->replies++;
	client->status = reply->status;
	snprintf(client->body, sizeof(client->body), "%.*s", SLV_FMT(reply->body.bytes));
	for (uint32_t i = 0; i < reply->fields.count && len < sizeof(client->fields); i++) {
		const struct slv_field *field = &reply->fields.at[i];
		len += (size_t)snprintf(client->fields + len, sizeof(client->fields) - len,
				"%.*s: %.*s\n", SLV_FMT(field->name), SLV_FMT(field->value));
	}
	slv_body_done(&reply->body);
}

static const struct slv_sink_ops client_ops = { .reply = client_reply };

static void begin_target(struct kit *kit, struct client *client, slv_str target, uint8_t depth)
{
	*client = (struct client){ .sink.ops = &client_ops, .kit = kit };
	slv_arena_init(&client->arena, 64, SLV_KIB(256));
	client->req = (struct slv_req){
		.arena = &client->arena,
		.sink = &client->sink,
		.method = SLV_METHOD_GET,
		.method_name = SLV_STR("GET"),
		.target = target,
		.depth = depth,
	};
	slv_fields_init(&client->req.fields, &client->arena);
	assert_false(slv_failed(slv_uri_parse(client->req.target, &client->req.uri)));
	slv_err err = slv_delivery_service.serve(kit->self, &client->req);
	if (!slv_failed(err))
		return;
	client->replies++;
	client->status = slv_code_status(err.code);
	snprintf(client->body, sizeof(client->body), "%s", err.what);
}

/* Ask for `rest` behind "/d/<hash>/", from within the program if `depth`. */
static void begin_at(struct kit *kit, struct client *client, const char *rest, uint8_t depth)
{
	slv_str target = slv_str_printf(&kit->bench->arena, "/d/%s/%s", kit->hash, rest);
	begin_target(kit, client, target, depth);
}

static void begin(struct kit *kit, struct client *client, const char *rest)
{
	begin_at(kit, client, rest, 0);
}

static void end(struct client *client, int status, const char *body)
{
	struct kit *kit = client->kit;
	uint64_t begun_ms = slv_loop_now_ms(kit->watch);
	while (!client->replies)
		turn(kit, begun_ms);
	if (client->status != status || (body && !strstr(client->body, body)))
		fail_msg("%d %s", client->status, client->body);
	assert_int_equal(client->replies, 1);
	slv_arena_done(&client->arena);
}

static void has_field(const struct client *client, const char *line)
{
	if (!strstr(client->fields, line))
		fail_msg("no '%s' in\n%s", line, client->fields);
}

/* The job that comes of it; a reply instead is a failure. */
static struct bench_job job_of(struct client *client)
{
	struct kit *kit = client->kit;
	uint64_t begun_ms = slv_loop_now_ms(kit->watch);
	while (!bench_jobs(kit->bench)) {
		if (client->replies)
			fail_msg("%d %s", client->status, client->body);
		turn(kit, begun_ms);
	}
	return bench_job(kit->bench);
}

static void expect(struct kit *kit, const char *rest, int status, const char *body)
{
	struct client client;
	begin(kit, &client, rest);
	end(&client, status, body);
	assert_int_equal(bench_jobs(kit->bench), 0);
}

/* It is made now, of a source that begins so. */
static struct bench_job expect_made(
		struct kit *kit, const char *rest, const char *source, const char *result)
{
	struct client client;
	begin(kit, &client, rest);
	struct bench_job job = job_of(&client);
	assert_string_equal(job.source, source);
	bench_made(kit->bench, &job, slv_str_from(result));
	end(&client, 200, result);
	return job;
}

/* --- life --- */

static const struct slv_conf_key *key_named(const char *name)
{
	const struct slv_conf_key *key = slv_delivery_keys;
	while (strcmp(key->name, name) != 0)
		key++;
	return key;
}

static void *setting(struct kit *kit, const char *name)
{
	return (char *)kit->settings + key_named(name)->offset;
}

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	void *bench;
	char url[60];
	bench_setup(&bench);
	kit->bench = bench;
	kit->watch = slv_loop_new(1, NULL, NULL);
	struct slv_service_env *env = &kit->bench->env;
	strcpy(kit->folder, "/tmp/selvedge-delivery-XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	snprintf(url, sizeof(url), "sqlite:%s/maps", kit->folder);
	struct slv_hash_key hash_key = slv_loop_hash_key(env->loop);
	assert_false(slv_failed(slv_omaps_open(slv_str_from(url), hash_key, NULL, &env->maps)));
	snprintf(url, sizeof(url), "file:%s/blobs", kit->folder);
	assert_false(slv_failed(slv_blobs_open(slv_str_from(url), SLV_STR(""), NULL, &env->blobs)));
	hosted_account_hash(SLV_STR(ACCOUNT), kit->hash);
	kit->map = hosted_map(env->maps, SLV_STR(ACCOUNT));
	change(kit, slv_omap_named(env->maps, SLV_STR("account")), SLV_STR("account"),
			SLV_STR("{\"id\":\"" ACCOUNT "\"}"), true);

	assert_true(slv_delivery_service.settings_size <= sizeof(kit->settings));
	slv_image_defaults_init(setting(kit, "defaults"));
	*(int64_t *)setting(kit, "job_ms") = BENCH_JOB_MS;
	*(int64_t *)setting(kit, "max_age_s") = 100;
	struct slv_service_place place = { .route_path = SLV_STR("/d/"),
		.site_name = SLV_STR("test"),
		.site = 1,
		.settings = kit->settings };
	assert_false(slv_failed(slv_delivery_service.open(env, &kit->shared)));
	place.shared = kit->shared;
	assert_false(slv_failed(slv_delivery_service.start(env, &place, &kit->self)));
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	char command[60];
	void *bench = kit->bench;
	struct slv_omaps *maps = kit->bench->env.maps;
	struct slv_blobs *blobs = kit->bench->env.blobs;
	bench_turn(kit->bench);
	slv_delivery_service.stop(kit->self);
	slv_delivery_service.close(kit->shared); /* asserts that nothing is under way */
	bench_teardown(&bench);
	slv_loop_free(kit->watch);
	slv_omaps_close(maps);
	slv_blobs_close(blobs);
	snprintf(command, sizeof(command), "rm -r %s", kit->folder);
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

/* --- pictures --- */

static void a_stored_picture_is_made_once_and_then_comes_from_memory(void **state)
{
	struct kit *kit = *state;
	struct client client;
	store(kit, UUID, BENCH_PICTURE);
	struct bench_job job = expect_made(kit, UUID "/public", BENCH_PICTURE, "made");
	assert_int_equal(job.plan.width, 1366);
	assert_int_equal(job.plan.height, 768);
	assert_int_equal(job.plan.metadata, SLV_METADATA_NONE);
	begin(kit, &client, UUID "/public?what=ever");
	assert_int_equal(client.replies, 1); /* it waited for nothing */
	has_field(&client, "vary: Accept\n");
	has_field(&client, "cache-control: public, max-age=100\n");
	end(&client, 200, "made");
}

static void what_is_replaced_or_removed_is_not_served_from_then_on(void **state)
{
	struct kit *kit = *state;
	store(kit, "a/b c", BENCH_PICTURE);
	expect_made(kit, "a/b%20c/public", BENCH_PICTURE, "first");
	expect(kit, "a/b%20c/public", 200, "first");
	store(kit, "a/b c", BENCH_PICTURE " 2");
	expect_made(kit, "a/b%20c/public", BENCH_PICTURE " 2", "second");
	expect(kit, "a/b%20c/public", 200, "second");
	take_away(kit, 'i', "a/b c");
	expect(kit, "a/b%20c/public", 404, "no such picture");
}

static void what_is_not_there_is_missing(void **state)
{
	struct kit *kit = *state;
	struct client client;
	store(kit, UUID, BENCH_PICTURE);
	store_as(kit, "draft", "", (struct hosted_image){ .is_draft = true });
	expect(kit, "gone/public", 404, "no such picture");
	expect(kit, "draft/public", 404, "no such picture");
	expect(kit, UUID "/nothing", 404, "no such variant");
	expect(kit, UUID "/pub%6cic", 404, "no such variant");
	expect(kit, UUID "/", 404, "<variant>");
	expect(kit, UUID, 404, "<variant>");
	expect(kit, "/public", 404, "<variant>");
	kit->hash[0] ^= 1;
	begin(kit, &client, UUID "/public");
	kit->hash[0] ^= 1;
	end(&client, 404, "no such picture");
}

static void a_route_may_end_without_a_slash(void **state)
{
	struct kit *kit = *state;
	struct client client;
	store(kit, UUID, BENCH_PICTURE);
	slv_delivery_service.stop(kit->self);
	struct slv_service_place place = { .route_path = SLV_STR("/d"),
		.site_name = SLV_STR("test"),
		.site = 1,
		.settings = kit->settings,
		.shared = kit->shared };
	assert_false(slv_failed(slv_delivery_service.start(&kit->bench->env, &place, &kit->self)));
	expect_made(kit, UUID "/public", BENCH_PICTURE, "made");
	begin_target(kit, &client, slv_str_printf(&kit->bench->arena, "/dd/%s/x/public", kit->hash),
			0);
	end(&client, 404, "no such picture");
}

static void ids_have_a_length(void **state)
{
	struct kit *kit = *state;
	char id[HOSTED_ID_BYTES_MAX + 2], rest[HOSTED_ID_BYTES_MAX + 20];
	memset(id, 'i', sizeof(id));
	id[HOSTED_ID_BYTES_MAX] = 0;
	store(kit, id, BENCH_PICTURE);
	snprintf(rest, sizeof(rest), "%s/public", id);
	expect_made(kit, rest, BENCH_PICTURE, "made");
	snprintf(rest, sizeof(rest), "%si/public", id);
	expect(kit, rest, 404, "no such picture");
}

/* --- variants --- */

static void a_variant_is_its_options_and_changes_with_them(void **state)
{
	struct kit *kit = *state;
	store(kit, UUID, BENCH_PICTURE);
	variant(kit, "thumb", "fit=cover,width=40,height=30,metadata=keep", false);
	struct bench_job job = expect_made(kit, UUID "/thumb", BENCH_PICTURE, "40");
	assert_int_equal(job.plan.width, 40);
	assert_int_equal(job.plan.metadata, SLV_METADATA_KEEP);
	expect(kit, UUID "/thumb", 200, "40");
	variant(kit, "thumb", "fit=cover,width=50,height=30", false);
	job = expect_made(kit, UUID "/thumb", BENCH_PICTURE, "50");
	assert_int_equal(job.plan.width, 50);
	variant(kit, "public", "width=7", false);
	job = expect_made(kit, UUID "/public", BENCH_PICTURE, "7");
	assert_int_equal(job.plan.width, 7);
	take_away(kit, 'v', "thumb");
	expect(kit, UUID "/thumb", 404, "no such variant");
}

static void options_need_flexible_variants(void **state)
{
	struct kit *kit = *state;
	store(kit, UUID, BENCH_PICTURE);
	expect(kit, UUID "/w=40", 403, "flexible variants");
	flexible(kit, true);
	expect_made(kit, UUID "/w=40", BENCH_PICTURE, "made");
	expect(kit, UUID "/width=40", 200, "made"); /* the same, said otherwise */
	expect(kit, UUID "/w=0", 400, "width");
	flexible(kit, false);
	expect(kit, UUID "/w=40", 403, "flexible variants");
}

/* --- signatures --- */

static const char *signed_link(struct kit *kit, struct slv_buf *buf, const char *rest,
		const char *secret, uint64_t exp_s)
{
	struct slv_image_sign_key key = { SLV_STR("any"), slv_str_from(secret) };
	slv_str path = slv_str_printf(&kit->bench->arena, "/d/%s/%s", kit->hash, rest);
	struct slv_image_target target = { .path = path };
	slv_buf_clear(buf);
	assert_false(slv_failed(slv_image_sign_exp(&key, &target, exp_s, buf)));
	slv_buf_add_char(buf, 0);
	return buf->at + strlen("/d/") + HOSTED_HASH_BYTES + 1;
}

static void a_private_picture_needs_a_signature_by_a_key_that_is_there(void **state)
{
	struct kit *kit = *state;
	struct client client;
	struct slv_buf buf;
	slv_buf_init(&buf, 4096);
	store_as(kit, UUID, BENCH_PICTURE, (struct hosted_image){ .is_signed = true });
	expect(kit, UUID "/public", 403, "signed link");
	const char *link = signed_link(kit, &buf, UUID "/public", "secret", FULL_S + 50);
	expect(kit, link, 403, "no signing key");
	sign_with(kit, "other", NULL);
	expect(kit, link, 403, "signature");
	sign_with(kit, "other", "secret");
	expect_made(kit, link, BENCH_PICTURE, "made");
	begin(kit, &client, link);
	has_field(&client, "cache-control: private, max-age=50\n");
	end(&client, 200, "made");
	begin_at(kit, &client, link, 1);
	has_field(&client, "cache-control: private, no-cache\n");
	end(&client, 200, "made");
	expect(kit, UUID "/public", 403, "signed link");
	sign_with(kit, "other", NULL);
	expect(kit, link, 403, "signature");
	sign_with(kit, "secret", NULL);
	expect(kit, link, 200, "made");
	bench_pass(kit->bench, 50000);
	expect(kit, link, 403, "expired");
	slv_buf_done(&buf);
}

static void a_wrong_signature_is_refused_from_memory(void **state)
{
	struct kit *kit = *state;
	struct client client;
	struct slv_buf buf;
	slv_buf_init(&buf, 4096);
	sign_with(kit, "one", "other");
	store_as(kit, "x", BENCH_PICTURE, (struct hosted_image){ .is_signed = true });
	const char *link = signed_link(kit, &buf, "x/public", "none of them", FULL_S + 50);
	expect(kit, link, 403, "signature");
	for (int i = 0; i < 3; i++) {
		begin(kit, &client, link);
		assert_int_equal(client.replies, 1); /* nothing was waited for */
		end(&client, 403, "signature");
	}
	slv_buf_done(&buf);
}

static void signing_keys_that_are_damaged_are_our_fault(void **state)
{
	struct kit *kit = *state;
	struct slv_buf buf;
	slv_buf_init(&buf, 4096);
	change(kit, kit->map, SLV_STR(HOSTED_KEYS_KEY), SLV_STR("\1\0"), true);
	store_as(kit, "x", BENCH_PICTURE, (struct hosted_image){ .is_signed = true });
	const char *link = signed_link(kit, &buf, "x/public", "secret", FULL_S + 50);
	expect(kit, link, 500, NULL);
	slv_buf_done(&buf);
}

static void no_bit_of_a_signed_link_can_be_another(void **state)
{
	struct kit *kit = *state;
	struct slv_buf buf;
	char copy[512];
	slv_buf_init(&buf, 4096);
	sign_with(kit, "secret", NULL);
	store_as(kit, "x", BENCH_PICTURE, (struct hosted_image){ .is_signed = true });
	const char *link = signed_link(kit, &buf, "x/public", "secret", FULL_S + 50);
	expect_made(kit, link, BENCH_PICTURE, "made");
	for (size_t i = strlen("x/public?"); i < strlen(link); i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct slv_uri uri;
			snprintf(copy, sizeof(copy), "/%s", link);
			copy[i + 1] ^= (char)(1 << bit);
			if (slv_failed(slv_uri_parse(slv_str_from(copy), &uri)))
				continue; /* no request can have it */
			expect(kit, copy + 1, 403, NULL);
		}
	}
	slv_buf_done(&buf);
}

static void a_variant_may_be_for_everybody(void **state)
{
	struct kit *kit = *state;
	store_as(kit, UUID, BENCH_PICTURE, (struct hosted_image){ .is_signed = true });
	variant(kit, "blurred", "blur=50,width=20", true);
	expect_made(kit, UUID "/blurred", BENCH_PICTURE, "made");
	expect(kit, UUID "/public", 403, "signed link");
	flexible(kit, true);
	expect(kit, UUID "/w=40", 403, "signed link");
}

static void a_signed_link_may_have_any_options(void **state)
{
	struct kit *kit = *state;
	struct slv_buf buf;
	slv_buf_init(&buf, 4096);
	sign_with(kit, "secret", NULL);
	store(kit, "a/b", BENCH_PICTURE);
	const char *link = signed_link(kit, &buf, "a/b/w=40", "secret", FULL_S + 50);
	expect_made(kit, link, BENCH_PICTURE, "made");
	expect(kit, "a/b/w=40", 403, "flexible variants");
	expect(kit, "a/b/w=40?what=ever", 403, NULL);
	slv_buf_done(&buf);
}

static void a_picture_that_becomes_private_is_so_at_once(void **state)
{
	struct kit *kit = *state;
	char row[HOSTED_IMAGE_BYTES_MAX];
	struct hosted_image image = store(kit, UUID, BENCH_PICTURE);
	expect_made(kit, UUID "/public", BENCH_PICTURE, "made");
	image.is_signed = true;
	put(kit, 'i', UUID, (slv_str){ row, hosted_image_write(&image, row) });
	expect(kit, UUID "/public", 403, "signed link");
}

/* --- what goes wrong --- */

static void remove_blob(struct kit *kit, struct slv_blob_id id)
{
	char path[100], hex[2 * SLV_BLOB_ID_BYTES + 1] = { 0 };
	slv_str_hex(id.bytes, sizeof(id.bytes), hex);
	snprintf(path, sizeof(path), "rm %s/blobs/*/%s", kit->folder, hex);
	assert_int_equal(system(path), 0);
}

static void a_picture_without_its_blob_is_missing(void **state)
{
	struct kit *kit = *state;
	struct hosted_image image = store(kit, UUID, BENCH_PICTURE);
	remove_blob(kit, image.blob.id);
	expect(kit, UUID "/public", 404, "not there");
}

static void a_picture_that_is_replaced_while_it_is_asked_for_is_looked_at_again(void **state)
{
	struct kit *kit = *state;
	struct client client;
	struct hosted_image image = store(kit, UUID, BENCH_PICTURE);
	expect(kit, UUID "/nothing", 404, "no such variant"); /* its row is in memory */
	begin(kit, &client, UUID "/public");
	remove_blob(kit, image.blob.id);
	store(kit, UUID, BENCH_PICTURE " 2");
	struct bench_job job = job_of(&client);
	bench_made(kit->bench, &job, SLV_STR("made"));
	end(&client, 200, "made");
}

static void what_is_no_picture_says_so(void **state)
{
	struct kit *kit = *state;
	store(kit, UUID, "text");
	expect(kit, UUID "/public", 415, "no picture");
}

static void pictures_are_only_asked_for(void **state)
{
	struct kit *kit = *state;
	struct client client;
	begin(kit, &client, UUID "/public");
	end(&client, 404, NULL);
	client = (struct client){ .sink.ops = &client_ops, .kit = kit };
	slv_arena_init(&client.arena, 64, SLV_KIB(256));
	client.req = (struct slv_req){
		.arena = &client.arena, .sink = &client.sink, .method = SLV_METHOD_POST
	};
	slv_fields_init(&client.req.fields, &client.arena);
	assert_false(slv_failed(slv_delivery_service.serve(kit->self, &client.req)));
	has_field(&client, "Allow: GET, HEAD\n");
	end(&client, 405, NULL);
}

/* --- purges --- */

static size_t purge(struct kit *kit, int what, const char *rest)
{
	slv_str target = slv_str_printf(&kit->bench->arena, "/d/%s/%s", kit->hash, rest);
	size_t named = slv_delivery_service.purge(
			kit->self, &(struct slv_purge){ .what = what, .target = target });
	bench_turn(kit->bench);
	return named;
}

static void a_purge_forgets_a_link_a_picture_or_all(void **state)
{
	struct kit *kit = *state;
	store(kit, UUID, BENCH_PICTURE);
	variant(kit, "small", "width=5", false);
	for (unsigned round = 0; round < 3; round++) {
		expect_made(kit, UUID "/public", BENCH_PICTURE, "made");
		expect_made(kit, UUID "/small", BENCH_PICTURE, "small");
		if (round == 0) {
			assert_int_equal(purge(kit, SLV_PURGE_URL, UUID "/small"), 1);
			expect(kit, UUID "/public", 200, "made");
			expect_made(kit, UUID "/small", BENCH_PICTURE, "small");
		}
		assert_int_equal(purge(kit, round ? SLV_PURGE_ALL : SLV_PURGE_SOURCE, UUID), 1);
	}
	assert_int_equal(purge(kit, SLV_PURGE_URL, ""), 0);
	assert_int_equal(purge(kit, SLV_PURGE_SOURCE, ""), 0);
	assert_int_equal(slv_delivery_service.purge(kit->self,
					 &(struct slv_purge){ .what = SLV_PURGE_URL,
							 .target = SLV_STR("/other/x") }),
			0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stored_picture_is_made_once_and_then_comes_from_memory),
		TEST(what_is_replaced_or_removed_is_not_served_from_then_on),
		TEST(what_is_not_there_is_missing),
		TEST(a_route_may_end_without_a_slash),
		TEST(ids_have_a_length),
		TEST(a_variant_is_its_options_and_changes_with_them),
		TEST(options_need_flexible_variants),
		TEST(a_private_picture_needs_a_signature_by_a_key_that_is_there),
		TEST(a_wrong_signature_is_refused_from_memory),
		TEST(signing_keys_that_are_damaged_are_our_fault),
		TEST(no_bit_of_a_signed_link_can_be_another),
		TEST(a_variant_may_be_for_everybody),
		TEST(a_signed_link_may_have_any_options),
		TEST(a_picture_that_becomes_private_is_so_at_once),
		TEST(a_picture_without_its_blob_is_missing),
		TEST(a_picture_that_is_replaced_while_it_is_asked_for_is_looked_at_again),
		TEST(what_is_no_picture_says_so),
		TEST(pictures_are_only_asked_for),
		TEST(a_purge_forgets_a_link_a_picture_or_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
