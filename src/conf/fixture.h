/* fixture.h - one schema with every type, for the tests and the fuzz target */
#ifndef SLV_CONF_FIXTURE_H
#define SLV_CONF_FIXTURE_H

#include "conf/conf.h"

struct fixture_inner {
	int64_t depth;
	slv_str note;
};

struct fixture_item {
	slv_str name;
	int64_t port;
};

/* "3x4" */
struct fixture_size {
	uint64_t width, height;
};

struct fixture {
	bool on;
	int64_t port, idle_ms, body_bytes, any, mode;
	double ratio;
	slv_str title, key, data;
	struct fixture_inner inner;
	struct fixture_inner *extra;
	struct slv_conf_list items, hosts, presets; /* fixture_item, slv_str, fixture_item */
	struct fixture_size size;
};

static bool fixture_size_read(
		struct slv_conf_read *read, struct slv_conf_node *node, void *ret_value)
{
	struct fixture_size size;
	slv_str text;
	if (!slv_conf_text(read, node, &text))
		return false;
	slv_str rest = text;
	if (!slv_str_u64(slv_str_cut(&rest, 'x'), 1000, &size.width) ||
			!slv_str_u64(rest, 1000, &size.height))
		return slv_conf_fail(read, node, "size is '%.*s', <width>x<height> is needed",
				SLV_FMT(text));
	*(struct fixture_size *)ret_value = size;
	return true;
}

static const struct slv_conf_key fixture_inner_keys[] = {
	{ "depth", SLV_CONF_INT, offsetof(struct fixture_inner, depth), "3", 1, 9,
			.help = "How deep" },
	{ "note", SLV_CONF_TEXT, offsetof(struct fixture_inner, note), "", 0, 8,
			.help = "For people" },
	{ 0 },
};

static const struct slv_conf_key fixture_item_keys[] = {
	{ "name", SLV_CONF_TEXT, offsetof(struct fixture_item, name), NULL, 1, 8,
			.help = "Its name" },
	{ "port", SLV_CONF_INT, offsetof(struct fixture_item, port), "80", 1, 65535,
			.help = "Its port" },
	{ 0 },
};

static const struct slv_conf_key fixture_preset_keys[] = {
	{ "", SLV_CONF_TEXT, offsetof(struct fixture_item, name), NULL, 1, 8, .help = "Its name" },
	{ "port", SLV_CONF_INT, offsetof(struct fixture_item, port), "80", 1, 65535,
			.help = "Its port" },
	{ 0 },
};

static const struct slv_conf_key fixture_keys[] = {
	{ "on", SLV_CONF_BOOL, offsetof(struct fixture, on), "true", .help = "Do it" },
	{ "port", SLV_CONF_INT, offsetof(struct fixture, port), "8080", 1, 65535,
			.help = "Where to listen" },
	{ "idle_ms", SLV_CONF_INT, offsetof(struct fixture, idle_ms), "60000", 100, 600000,
			.help = "How long silence is borne" },
	{ "body_bytes", SLV_CONF_INT, offsetof(struct fixture, body_bytes), "1M", 1024,
			1024.0 * 1024 * 1024, .help = "The largest body" },
	{ "any", SLV_CONF_INT, offsetof(struct fixture, any), "0", .help = "Any number" },
	{ "mode", SLV_CONF_CHOICE, offsetof(struct fixture, mode), "safe",
			.choices = "safe|fast|off", .help = "How it is done" },
	{ "ratio", SLV_CONF_DECIMAL, offsetof(struct fixture, ratio), "0.5", 0.25, 1,
			.help = "Of the whole" },
	{ "title", SLV_CONF_TEXT, offsetof(struct fixture, title), "Hello", 2, 8,
			.help = "What is shown" },
	{ "key", SLV_CONF_SECRET, offsetof(struct fixture, key), "", 0, 16,
			.help = "What is not shown" },
	{ "data", SLV_CONF_PATH, offsetof(struct fixture, data), "./data", 1, 64,
			.help = "Where it is kept" },
	{ "inner", SLV_CONF_SECTION, offsetof(struct fixture, inner), .keys = fixture_inner_keys,
			.help = "A section" },
	{ "extra", SLV_CONF_OPTION, offsetof(struct fixture, extra), .keys = fixture_inner_keys,
			.size = sizeof(struct fixture_inner),
			.help = "A section that may be absent" },
	{ "items", SLV_CONF_LIST, offsetof(struct fixture, items), .max = 3,
			.keys = fixture_item_keys, .size = sizeof(struct fixture_item),
			.help = "Some items" },
	{ "hosts", SLV_CONF_TEXTS, offsetof(struct fixture, hosts), "[ '*' ]", 1, 2,
			.help = "Some names" },
	{ "presets", SLV_CONF_MAP, offsetof(struct fixture, presets), .max = 2,
			.keys = fixture_preset_keys, .size = sizeof(struct fixture_item),
			.help = "Items by name" },
	{ "size", SLV_CONF_CUSTOM, offsetof(struct fixture, size), "3x4",
			.size = sizeof(struct fixture_size), .choices = "<width>x<height>",
			.read = fixture_size_read, .help = "Of a picture" },
	{ 0 },
};

#endif
