#include "service/object/reader.h"

#include "base/assert.h"
#include "base/str.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

struct reader {
	XML_Parser parser;
	const struct object_element *elements;
	size_t count;
	void *document;
	char path[OBJECT_DOCUMENT_PATH_MAX]; /* of the open element */
	size_t path_len;
	const struct object_element *open; /* it; NULL: the root is not open */
	struct slv_buf text;
	slv_object_err err;
};

static void fail(struct reader *reader, slv_object_err err)
{
	if (!slv_object_failed(err) || slv_object_failed(reader->err))
		return;
	reader->err = err;
	(void)XML_StopParser(
			reader->parser, XML_FALSE); /* it fails only if it has stopped already */
}

static void malformed(struct reader *reader, const char *what)
{
	fail(reader, SLV_OBJECT_ERR(SLV_OBJECT_E_MALFORMED_XML, what));
}

static const struct object_element *find(const struct reader *reader)
{
	slv_str path = { reader->path, reader->path_len };
	for (size_t i = 0; i < reader->count; i++)
		if (slv_str_eq(path, slv_str_from(reader->elements[i].path)))
			return &reader->elements[i];
	return NULL;
}

static slv_object_err open_element(struct reader *reader, slv_str name)
{
	size_t slash = reader->path_len > 0;
	if (reader->open && reader->open->kind == OBJECT_ELEMENT_TEXT)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_MALFORMED_XML,
				"There is an element where only text may be.");
	reader->open = NULL;
	if (name.len + slash <= sizeof(reader->path) - reader->path_len) {
		if (slash)
			reader->path[reader->path_len++] = '/';
		memcpy(reader->path + reader->path_len, name.at, name.len);
		reader->path_len += name.len;
		reader->open = find(reader);
	}
	if (!reader->open)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_MALFORMED_XML, "There is an unknown element.");
	if (reader->open->kind == OBJECT_ELEMENT_REFUSED)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_NOT_IMPLEMENTED,
				"There is an element for what is not done.");
	slv_buf_clear(&reader->text);
	return reader->open->begin ? reader->open->begin(reader->document) : SLV_OBJECT_OK;
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	(void)attributes;
	struct reader *reader = arg;
	if (!slv_object_failed(reader->err))
		fail(reader, open_element(reader, slv_str_from(name)));
}

static void on_end(void *arg, const XML_Char *name)
{
	struct reader *reader = arg;
	if (slv_object_failed(reader->err))
		return;
	const struct object_element *ended = reader->open;
	slv_assert(ended && slv_str_ends(slv_str_from(ended->path), slv_str_from(name)));
	size_t parent = slv_str_find_last((slv_str){ reader->path, reader->path_len }, '/');
	reader->path_len = parent < reader->path_len ? parent : 0;
	reader->open = find(reader);
	if (ended->end)
		fail(reader, ended->end(reader->document, slv_buf_str(&reader->text)));
	slv_buf_clear(&reader->text);
}

static bool is_space(slv_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!slv_is_blank(text.at[i]) && text.at[i] != '\r' && text.at[i] != '\n')
			return false;
	return true;
}

static void on_text(void *arg, const XML_Char *at, int len)
{
	struct reader *reader = arg;
	slv_str text = { at, (size_t)len };
	if (slv_object_failed(reader->err) || !reader->open)
		return;
	if (reader->open->kind == OBJECT_ELEMENT_TEXT)
		slv_buf_add(&reader->text, text);
	else if (!is_space(text))
		malformed(reader, "There is text where only elements may be.");
	if (reader->text.overflow)
		malformed(reader, "A text is too long.");
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
		const XML_Char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	malformed(arg, "A document type is not allowed.");
}

slv_object_err object_read(slv_str xml, size_t bytes_max, size_t text_bytes_max,
		const struct object_element *elements, size_t count, void *document)
{
	slv_assert(bytes_max <= INT_MAX);
	if (xml.len > bytes_max)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_MAX_MESSAGE_LENGTH, NULL);
	struct reader reader = { .elements = elements, .count = count, .document = document };
	reader.parser = XML_ParserCreate(NULL);
	slv_assert(reader.parser);
	slv_buf_init(&reader.text, text_bytes_max);
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
	if (XML_Parse(reader.parser, xml.at ? xml.at : "", (int)xml.len, XML_TRUE) != XML_STATUS_OK)
		malformed(&reader, "The XML is not well-formed.");
	XML_ParserFree(reader.parser);
	slv_buf_done(&reader.text);
	return reader.err;
}
