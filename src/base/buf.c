#include "base/buf.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define BUF_FIRST_BYTES 256u

void slv_buf_init(struct slv_buf *buf, size_t max)
{
	*buf = (struct slv_buf){ .max = max };
}

void slv_buf_done(struct slv_buf *buf)
{
	slv_free(buf->at);
	*buf = (struct slv_buf){ .max = buf->max };
}

void slv_buf_clear(struct slv_buf *buf)
{
	buf->len = 0;
	buf->overflow = false;
}

char *slv_buf_room(struct slv_buf *buf, size_t len)
{
	if (len > buf->max - buf->len) {
		buf->overflow = true;
		return NULL;
	}
	size_t need = buf->len + len;
	if (need > buf->cap) {
		size_t cap = buf->cap ? buf->cap : BUF_FIRST_BYTES;
		while (cap < need)
			cap *= 2;
		buf->at = slv_realloc(buf->at, cap);
		buf->cap = cap;
	}
	return buf->at + buf->len;
}

void slv_buf_grown(struct slv_buf *buf, size_t len)
{
	slv_assert(len <= buf->cap - buf->len);
	buf->len += len;
}

void slv_buf_add(struct slv_buf *buf, slv_str bytes)
{
	if (bytes.len == 0 || buf->overflow)
		return;
	char *room = slv_buf_room(buf, bytes.len);
	if (!room)
		return;
	memcpy(room, bytes.at, bytes.len);
	buf->len += bytes.len;
}

void slv_buf_add_char(struct slv_buf *buf, char c)
{
	slv_buf_add(buf, (slv_str){ &c, 1 });
}

void slv_buf_add_u64(struct slv_buf *buf, uint64_t value)
{
	char digits[SLV_U64_DIGITS];
	slv_buf_add(buf, slv_str_of_u64(value, digits));
}

void slv_buf_add_hex(struct slv_buf *buf, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++)
		slv_buf_add(buf,
				(slv_str){ (char[]){ digits[bytes[i] >> 4], digits[bytes[i] & 15] },
						2 });
}

void slv_buf_printf(struct slv_buf *buf, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	slv_assert(len >= 0);
	if (buf->overflow)
		return;

	/* vsnprintf ends with a NUL, for which there must be room. */
	size_t room_bytes = (size_t)len + 1;
	if (room_bytes > buf->max - buf->len) {
		buf->overflow = true;
		return;
	}
	char *room = slv_buf_room(buf, room_bytes);
	va_start(args, fmt);
	int written = vsnprintf(room, room_bytes, fmt, args);
	va_end(args);
	slv_assert(written == len);
	buf->len += (size_t)len;
}

static void json_char(struct slv_buf *buf, char c)
{
	static const char named[] = { ['"'] = '"',
		['\\'] = '\\',
		['\b'] = 'b',
		['\f'] = 'f',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't' };
	if ((size_t)c < sizeof(named) && named[(size_t)c])
		slv_buf_add(buf, (slv_str){ (char[]){ '\\', named[(size_t)c] }, 2 });
	else if ((unsigned char)c < 0x20 || c == 0x7f)
		slv_buf_printf(buf, "\\u%04x", (unsigned)c);
	else
		slv_buf_add_char(buf, c);
}

void slv_buf_add_json(struct slv_buf *buf, slv_str text)
{
	slv_buf_add_char(buf, '"');
	while (text.len) {
		size_t len = slv_str_utf8_len(text);
		if (len == 1)
			json_char(buf, text.at[0]);
		else if (len)
			slv_buf_add(buf, slv_str_head(text, len));
		else
			slv_buf_add(buf, SLV_STR("\xef\xbf\xbd"));
		text = slv_str_from_index(text, len ? len : 1);
	}
	slv_buf_add_char(buf, '"');
}
