/* fuzz_document.c - what is read, written again, is read the same
 *
 * The first byte says which document the rest is.
 */
#include "service/object/document.h"

#include "base/assert.h"
#include "service/object/xml.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(slv_str a, slv_str b)
{
	slv_assert(slv_str_eq(a, b) && !a.at == !b.at);
}

static void put(struct slv_buf *buf, const char *name, slv_str text)
{
	if (text.at)
		slv_object_xml_text(buf, name, text);
}

/* In quotes, so that those that belong to it stay. */
static void put_etag(struct slv_buf *buf, slv_str etag)
{
	if (!etag.at)
		return;
	slv_object_xml_open(buf, "ETag");
	slv_buf_add_char(buf, '"');
	slv_object_xml_escape(buf, etag);
	slv_buf_add_char(buf, '"');
	slv_object_xml_close(buf, "ETag");
}

static void check_delete(struct slv_arena *arena, slv_str xml, struct slv_buf *buf)
{
	struct slv_object_delete out, again;
	if (slv_object_failed(slv_object_document_delete(arena, xml, &out)))
		return;
	slv_assert(out.count > 0 && out.count <= SLV_OBJECT_DELETE_KEYS_MAX);
	slv_object_xml_open_root(buf, "Delete");
	for (uint32_t i = 0; i < out.count; i++) {
		slv_assert(out.keys[i].key.len > 0);
		slv_object_xml_open(buf, "Object");
		put(buf, "Key", out.keys[i].key);
		put(buf, "VersionId", out.keys[i].version_id);
		put_etag(buf, out.keys[i].etag);
		slv_object_xml_close(buf, "Object");
	}
	slv_object_xml_bool(buf, "Quiet", out.quiet);
	slv_object_xml_close(buf, "Delete");
	slv_assert(!slv_object_failed(slv_object_document_delete(arena, slv_buf_str(buf), &again)));
	slv_assert(again.count == out.count && again.quiet == out.quiet);
	for (uint32_t i = 0; i < out.count; i++) {
		same(out.keys[i].key, again.keys[i].key);
		same(out.keys[i].version_id, again.keys[i].version_id);
		same(out.keys[i].etag, again.keys[i].etag);
	}
}

static void put_part(struct slv_buf *buf, const struct slv_object_part *part)
{
	slv_object_xml_open(buf, "Part");
	slv_object_xml_u64(buf, "PartNumber", part->number);
	put_etag(buf, part->etag);
	if (part->has_checksum) {
		char name[32] = "Checksum";
		slv_str kind = slv_object_checksum_name(part->checksum.kind);
		memcpy(name + 8, kind.at, kind.len);
		slv_object_xml_open(buf, name);
		slv_object_checksum_print(&part->checksum, buf);
		slv_object_xml_close(buf, name);
	}
	slv_object_xml_close(buf, "Part");
}

static void check_complete(struct slv_arena *arena, slv_str xml, struct slv_buf *buf)
{
	struct slv_object_complete out, again;
	if (slv_object_failed(slv_object_document_complete(arena, xml, &out)))
		return;
	slv_object_xml_open_root(buf, "CompleteMultipartUpload");
	for (uint32_t i = 0; i < out.count; i++) {
		slv_assert(out.parts[i].number > (i ? out.parts[i - 1].number : 0));
		put_part(buf, &out.parts[i]);
	}
	slv_object_xml_close(buf, "CompleteMultipartUpload");
	slv_assert(!slv_object_failed(
			slv_object_document_complete(arena, slv_buf_str(buf), &again)));
	slv_assert(again.count == out.count);
	for (uint32_t i = 0; i < out.count; i++) {
		const struct slv_object_part *a = &out.parts[i], *b = &again.parts[i];
		same(a->etag, b->etag);
		slv_assert(a->number == b->number && a->has_checksum == b->has_checksum);
		slv_assert(!a->has_checksum || slv_object_checksum_eq(&a->checksum, &b->checksum));
	}
}

static void put_texts(struct slv_buf *buf, const char *name, const struct slv_object_texts *texts)
{
	for (uint32_t i = 0; i < texts->count; i++)
		slv_object_xml_text(buf, name, texts->at[i]);
}

static void same_texts(const struct slv_object_texts *a, const struct slv_object_texts *b)
{
	slv_assert(a->count == b->count);
	for (uint32_t i = 0; i < a->count; i++)
		same(a->at[i], b->at[i]);
}

static void check_cors(struct slv_arena *arena, slv_str xml, struct slv_buf *buf)
{
	struct slv_object_cors out, again;
	if (slv_object_failed(slv_object_document_cors(arena, xml, &out)))
		return;
	slv_object_xml_open_root(buf, "CORSConfiguration");
	for (uint32_t i = 0; i < out.count; i++) {
		const struct slv_object_cors_rule *rule = &out.rules[i];
		slv_object_xml_open(buf, "CORSRule");
		put(buf, "ID", rule->id);
		put_texts(buf, "AllowedOrigin", &rule->origins);
		put_texts(buf, "AllowedMethod", &rule->methods);
		put_texts(buf, "AllowedHeader", &rule->headers);
		put_texts(buf, "ExposeHeader", &rule->exposed);
		if (rule->has_max_age)
			slv_object_xml_u64(buf, "MaxAgeSeconds", rule->max_age_s);
		slv_object_xml_close(buf, "CORSRule");
	}
	slv_object_xml_close(buf, "CORSConfiguration");
	slv_assert(!slv_object_failed(slv_object_document_cors(arena, slv_buf_str(buf), &again)));
	slv_assert(again.count == out.count);
	for (uint32_t i = 0; i < out.count; i++) {
		const struct slv_object_cors_rule *a = &out.rules[i], *b = &again.rules[i];
		same(a->id, b->id);
		same_texts(&a->origins, &b->origins);
		same_texts(&a->methods, &b->methods);
		same_texts(&a->headers, &b->headers);
		same_texts(&a->exposed, &b->exposed);
		slv_assert(a->has_max_age == b->has_max_age && a->max_age_s == b->max_age_s);
	}
}

static void put_rule(struct slv_buf *buf, const struct slv_object_lifecycle_rule *rule)
{
	slv_object_xml_open(buf, "Rule");
	put(buf, "ID", rule->id);
	slv_object_xml_text(buf, "Prefix", rule->prefix);
	slv_object_xml_text(
			buf, "Status", rule->enabled ? SLV_STR("Enabled") : SLV_STR("Disabled"));
	if (rule->expire_days || rule->expire_at_s >= 0) {
		slv_object_xml_open(buf, "Expiration");
		if (rule->expire_days)
			slv_object_xml_u64(buf, "Days", rule->expire_days);
		else
			slv_object_xml_time(buf, "Date", rule->expire_at_s * 1000);
		slv_object_xml_close(buf, "Expiration");
	}
	if (rule->abort_days) {
		slv_object_xml_open(buf, "AbortIncompleteMultipartUpload");
		slv_object_xml_u64(buf, "DaysAfterInitiation", rule->abort_days);
		slv_object_xml_close(buf, "AbortIncompleteMultipartUpload");
	}
	slv_object_xml_close(buf, "Rule");
}

static void check_lifecycle(struct slv_arena *arena, slv_str xml, struct slv_buf *buf)
{
	struct slv_object_lifecycle out, again;
	if (slv_object_failed(slv_object_document_lifecycle(arena, xml, &out)))
		return;
	slv_object_xml_open_root(buf, "LifecycleConfiguration");
	for (uint32_t i = 0; i < out.count; i++)
		put_rule(buf, &out.rules[i]);
	slv_object_xml_close(buf, "LifecycleConfiguration");
	slv_assert(!slv_object_failed(
			slv_object_document_lifecycle(arena, slv_buf_str(buf), &again)));
	slv_assert(again.count == out.count);
	for (uint32_t i = 0; i < out.count; i++) {
		const struct slv_object_lifecycle_rule *a = &out.rules[i], *b = &again.rules[i];
		same(a->id, b->id);
		slv_assert(slv_str_eq(a->prefix, b->prefix) && a->enabled == b->enabled);
		slv_assert(a->expire_days == b->expire_days && a->expire_at_s == b->expire_at_s);
		slv_assert(a->abort_days == b->abort_days);
	}
}

static void check_location(struct slv_arena *arena, slv_str xml, struct slv_buf *buf)
{
	slv_str out, again;
	if (slv_object_failed(slv_object_document_location(arena, xml, &out)))
		return;
	slv_object_xml_open_root(buf, "CreateBucketConfiguration");
	put(buf, "LocationConstraint", out);
	slv_object_xml_close(buf, "CreateBucketConfiguration");
	slv_assert(!slv_object_failed(
			slv_object_document_location(arena, slv_buf_str(buf), &again)));
	same(out, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct slv_arena *, slv_str, struct slv_buf *) = {
		check_delete, check_complete, check_cors, check_lifecycle, check_location
	};
	if (size == 0)
		return 0;
	struct slv_arena arena;
	struct slv_buf buf;
	slv_arena_init(&arena, SLV_KIB(16), SLV_MIB(8));
	slv_buf_init(&buf, SLV_MIB(8));
	checks[data[0] % SLV_COUNT(checks)](
			&arena, (slv_str){ (const char *)data + 1, size - 1 }, &buf);
	slv_buf_done(&buf);
	slv_arena_done(&arena);
	return 0;
}
