#include "base/assert.h"
#include "store/blob/s3.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#define DEPTH_MAX 8
#define NAME_BYTES_MAX 64
#define TEXT_BYTES_MAX SLV_KIB(4)

struct reading {
	XML_Parser parser;
	void (*element)(void *arg, slv_str parent, slv_str name, slv_str text);
	void *arg;
	size_t depth;
	char names[DEPTH_MAX][NAME_BYTES_MAX + 1]; /* of what is open */
	bool has_elements;                         /* the one that ends next */
	struct slv_buf text;
	bool bad;
};

static void stop(struct reading *reading)
{
	reading->bad = true;
	(void)XML_StopParser(reading->parser, XML_FALSE); /* fails only if it has stopped */
}

static slv_str name_at(const struct reading *reading, size_t depth)
{
	return depth > 0 ? slv_str_from(reading->names[depth - 1]) : SLV_STR("");
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = arg;
	size_t len = strlen(name);
	(void)attributes;
	if (reading->bad)
		return;
	if (reading->depth == DEPTH_MAX || len > NAME_BYTES_MAX) {
		stop(reading);
		return;
	}
	memcpy(reading->names[reading->depth++], name, len + 1);
	slv_buf_clear(&reading->text);
	reading->has_elements = false;
}

static void on_end(void *arg, const XML_Char *name)
{
	struct reading *reading = arg;
	(void)name;
	if (reading->bad)
		return;
	slv_str text = reading->has_elements ? SLV_STR("") : slv_buf_str(&reading->text);
	reading->element(reading->arg, name_at(reading, reading->depth - 1),
			name_at(reading, reading->depth), text);
	reading->depth--;
	reading->has_elements = true; /* its parent */
	slv_buf_clear(&reading->text);
}

static void on_text(void *arg, const XML_Char *at, int len)
{
	struct reading *reading = arg;
	slv_buf_add(&reading->text, (slv_str){ at, (size_t)len });
	if (reading->text.overflow)
		stop(reading);
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
		const XML_Char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	stop(arg); /* and with it entities of its own */
}

/* AWS sends white space for as long as it has no answer, in front of all else. */
static slv_str skip_white(slv_str xml)
{
	while (xml.len > 0 && memchr(" \t\r\n", xml.at[0], 4))
		xml = slv_str_from_index(xml, 1);
	return xml;
}

slv_err s3_document_read(slv_str xml,
		void (*element)(void *arg, slv_str parent, slv_str name, slv_str text), void *arg)
{
	slv_assert(xml.len <= INT_MAX);
	xml = skip_white(xml);
	struct reading reading = { .element = element, .arg = arg };
	reading.parser = XML_ParserCreate(NULL);
	slv_assert(reading.parser);
	slv_buf_init(&reading.text, TEXT_BYTES_MAX);
	XML_SetUserData(reading.parser, &reading);
	XML_SetElementHandler(reading.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reading.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reading.parser, on_doctype);
	const char *at = xml.at ? xml.at : "";
	bool good = XML_Parse(reading.parser, at, (int)xml.len, XML_TRUE) == XML_STATUS_OK;
	XML_ParserFree(reading.parser);
	slv_buf_done(&reading.text);
	return good && !reading.bad ? SLV_OK : SLV_ERR(SLV_E_SYNTAX, "that is no document of S3");
}
