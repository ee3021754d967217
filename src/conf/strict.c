/* Where libyaml lets through what YAML 1.2 does not, and a text would then say something else than
 * it seems to: a comment that begins within a word, a '?' that is taken off a text, a quote that
 * is closed many settings later.
 *
 * This walks along with the events. Between two of them are blanks, comments and marks only. */
#include "conf/read.h"

#include <yaml.h>

static bool is_end(char c)
{
	return c == '\n' || c == '\r';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || is_end(c);
}

static bool is_before(const struct slv_conf_strict *strict, size_t index)
{
	return strict->index < index && strict->at < strict->text.len;
}

/* One character on; the library counts characters, not bytes. */
static void step(struct slv_conf_strict *strict)
{
	slv_str text = strict->text;
	char c = text.at[strict->at++];
	while (strict->at < text.len && (text.at[strict->at] & 0xc0) == 0x80)
		strict->at++;
	strict->index++;
	strict->column++;
	if (c == '\n' || (c == '\r' && (strict->at == text.len || text.at[strict->at] != '\n'))) {
		strict->line++;
		strict->column = 1;
	}
}

static void step_to(struct slv_conf_strict *strict, size_t index)
{
	while (is_before(strict, index))
		step(strict);
}

static void step_line(struct slv_conf_strict *strict)
{
	while (strict->at < strict->text.len && !is_end(strict->text.at[strict->at]))
		step(strict);
}

static bool comment_is_apart(struct slv_conf_read *read, const struct slv_conf_strict *strict)
{
	return strict->at == 0 || is_blank(strict->text.at[strict->at - 1]) ||
	       slv_conf_fail_at(read, strict->line, strict->column,
			       "not YAML: '#' begins a comment only behind a blank; put one before "
			       "it, or put the whole text in quotes");
}

/* Up to what is at `index`, or with `one_line` to the end of the line. */
static bool walk_gap(struct slv_conf_read *read, struct slv_conf_strict *strict, size_t index,
		bool one_line)
{
	while (is_before(strict, index)) {
		char c = strict->text.at[strict->at];
		if (one_line && is_end(c))
			break;
		if (c != '#') {
			step(strict);
			continue;
		}
		if (!comment_is_apart(read, strict))
			return false;
		step_line(strict);
	}
	return true;
}

/* Its lines below the first are deeper than the keys or items around it. */
static bool walk_quoted(struct slv_conf_read *read, struct slv_conf_strict *strict, size_t index,
		uint32_t around)
{
	uint32_t line = strict->line, column = strict->column;
	bool leads = false; /* only blanks so far in this line */
	while (is_before(strict, index)) {
		leads = leads || (strict->column == 1 && strict->line > line);
		if (leads && !is_blank(strict->text.at[strict->at])) {
			leads = false;
			if (strict->column <= around)
				return slv_conf_fail_at(read, strict->line, strict->column,
						"not YAML: this line is still in the quotes that "
						"begin at line %u, column %u; close them there, or "
						"begin it further right",
						line, column);
		}
		step(strict);
	}
	return true;
}

/* What follows it belongs to what is around it, and not to nothing. */
static bool walk_block(struct slv_conf_read *read, struct slv_conf_strict *strict, size_t index,
		uint32_t around)
{
	if (!walk_gap(read, strict, index, true))
		return false;
	step_to(strict, index);
	struct slv_conf_strict next = *strict;
	while (next.at < next.text.len) {
		char c = next.text.at[next.at];
		if (c == '#')
			step_line(&next);
		else if (is_blank(c))
			step(&next);
		else
			break;
	}
	return around == 0 || next.at >= next.text.len || next.column <= around ||
	       slv_conf_fail_at(read, next.line, next.column,
			       "not YAML: this line begins left of the text behind '|' or '>'; "
			       "begin all its lines in one column");
}

bool slv_conf_is_strict(struct slv_conf_read *read, struct slv_conf_strict *strict,
		const struct yaml_event_s *event, uint32_t around)
{
	size_t start = event->start_mark.index, end = event->end_mark.index;
	if (!walk_gap(read, strict, start, false))
		return false;
	if (event->type != YAML_SCALAR_EVENT) {
		step_to(strict, end);
		return true;
	}
	if (start < end && strict->at > 0 && strict->text.at[strict->at - 1] == '?')
		return slv_conf_fail_at(read, strict->line, strict->column - 1,
				"not YAML: '?' cannot begin a text here; put the text in quotes");
	yaml_scalar_style_t style = event->data.scalar.style;
	if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)
		return walk_quoted(read, strict, end, around);
	if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
		return walk_block(read, strict, end, around);
	step_to(strict, end);
	return true;
}
