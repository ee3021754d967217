#include "service/files/private.h"

/* Extension and type; text has its charset because a browser must not guess one. */
static const struct {
	slv_str extension, type;
} types[] = {
#define X(extension_, type_) { SLV_STR_INIT(extension_), SLV_STR_INIT(type_) },
	X("avif", "image/avif") X("bmp", "image/bmp") X("css", "text/css; charset=utf-8") X(
			"csv", "text/csv; charset=utf-8") X("gif", "image/gif") X("gz",
			"application/gzip") X("heic", "image/heic") X("htm",
			"text/html; charset=utf-8") X("html", "text/html; charset=utf-8") X("ico",
			"image/x-icon") X("jpeg", "image/jpeg") X("jpg", "image/jpeg") X("js",
			"text/javascript; charset=utf-8") X("json", "application/json") X("jxl",
			"image/jxl") X("map", "application/json") X("md",
			"text/markdown; charset=utf-8") X("mjs",
			"text/javascript; charset=utf-8") X("mp3", "audio/mpeg") X("mp4",
			"video/mp4") X("ogg", "audio/ogg") X("otf", "font/otf") X("pdf",
			"application/pdf") X("png", "image/png") X("svg", "image/svg+xml") X("tif",
			"image/tiff") X("tiff", "image/tiff") X("ttf", "font/ttf") X("txt",
			"text/plain; charset=utf-8") X("wasm", "application/wasm") X("webm",
			"video/webm") X("webmanifest", "application/manifest+json")
			X("webp", "image/webp") X("woff", "font/woff") X("woff2", "font/woff2")
					X("xml", "application/xml") X("zip", "application/zip")
#undef X
};

slv_str files_type(slv_str name)
{
	size_t dot = slv_str_find_last(name, '.');
	slv_str extension = slv_str_from_index(name, dot + 1);
	for (size_t i = 0; i < SLV_COUNT(types) && extension.len; i++)
		if (slv_str_eq_nocase(extension, types[i].extension))
			return types[i].type;
	return SLV_STR("application/octet-stream");
}
