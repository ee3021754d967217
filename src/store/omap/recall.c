#include "store/omap/recall.h"

#include "base/map.h"
#include "base/mem.h"

#include <string.h>

#define ENTRY_BYTES_MAX SLV_MIB(1) /* larger ones are not kept */

/* A row, counted: memory has it, and who was handed it. */
struct entry {
	struct slv_hold hold; /* of one who was handed it */
	uint32_t refs;
	struct slv_list link; /* what goes first, first; zero: not in memory */
	struct slv_omap_rows *rows;
	uint64_t stamp;
	size_t bytes;
	slv_str name; /* of map and key, behind this */
};

struct slv_omap_memory {
	struct slv_loop *loop;
	struct slv_map by_name;
	struct slv_list entries;
	size_t bytes, bytes_max;
};

struct slv_omap_memory *slv_omap_memory_new(struct slv_loop *loop, size_t bytes_max)
{
	struct slv_omap_memory *memory = SLV_ALLOC(struct slv_omap_memory);
	memory->loop = loop;
	memory->bytes_max = bytes_max;
	slv_map_init(&memory->by_name, slv_loop_hash_key(loop));
	slv_list_init(&memory->entries);
	return memory;
}

static void entry_unref(struct entry *entry)
{
	if (--entry->refs)
		return;
	entry->rows->hold.drop(&entry->rows->hold);
	slv_free(entry);
}

static void entry_drop(struct slv_hold *hold)
{
	entry_unref(SLV_CONTAINER(hold, struct entry, hold));
}

static void forget(struct slv_omap_memory *memory, struct entry *entry)
{
	slv_map_remove(&memory->by_name, entry->name);
	slv_list_remove(&entry->link);
	memory->bytes -= entry->bytes;
	entry_unref(entry);
}

void slv_omap_memory_free(struct slv_omap_memory *memory)
{
	if (!memory)
		return;
	SLV_LIST_EACH(link, &memory->entries)
	{
		forget(memory, SLV_CONTAINER(link, struct entry, link));
	}
	slv_map_done(&memory->by_name);
	slv_free(memory);
}

/* Maps are told apart by their address: they live as long as the store. */
static slv_str name_of(const struct slv_omap_recall *recall,
		char room[sizeof(void *) + SLV_OMAP_KEY_BYTES_MAX])
{
	memcpy(room, &recall->map, sizeof(void *));
	memcpy(room + sizeof(void *), recall->key.at, recall->key.len);
	return (slv_str){ room, sizeof(void *) + recall->key.len };
}

static void hand_out(struct slv_omap_recall *recall, struct entry *entry)
{
	entry->refs++;
	recall->row = &entry->rows->at[0];
	recall->hold = &entry->hold;
}

/* Is it of a row that there is? */
static bool is_of_row(const struct entry *entry)
{
	return entry->rows->at[0].version > 0;
}

static void keep(struct slv_omap_memory *memory, struct entry *entry)
{
	struct entry *before = slv_map_get(&memory->by_name, entry->name);
	if (before)
		forget(memory, before);
	entry->refs++;
	memory->bytes += entry->bytes;
	slv_map_put(&memory->by_name, entry->name, entry);
	/* That there is none goes before all rows: else whoever asks for what there never was could
	 * fill memory with it. */
	if (is_of_row(entry))
		slv_list_push(&memory->entries, &entry->link);
	else
		slv_list_push_front(&memory->entries, &entry->link);
	while (memory->bytes > memory->bytes_max)
		forget(memory, SLV_CONTAINER(memory->entries.next, struct entry, link));
}

static struct entry *entry_new(struct slv_omap_recall *recall, struct slv_omap_rows *rows)
{
	char room[sizeof(void *) + SLV_OMAP_KEY_BYTES_MAX];
	slv_str name = name_of(recall, room);
	struct entry *entry = slv_alloc(sizeof(*entry) + name.len);
	memcpy(entry + 1, name.at, name.len);
	const struct slv_omap_row *row = &rows->at[0];
	entry->hold.drop = entry_drop;
	entry->refs = 1;
	entry->rows = rows;
	entry->stamp = recall->stamp;
	entry->name = (slv_str){ (const char *)(entry + 1), name.len };
	entry->bytes = sizeof(*entry) + sizeof(*rows) + sizeof(*row) + name.len + row->key.len +
	               row->value.len + row->body.len + sizeof(struct slv_map_slot);
	return entry;
}

static void read_done(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct slv_omap_recall *recall = SLV_CONTAINER(read, struct slv_omap_recall, read);
	struct slv_omap_memory *memory = recall->memory;
	if (rows) {
		struct entry *entry = entry_new(recall, rows);
		hand_out(recall, entry);
		if (entry->stamp && entry->bytes <= ENTRY_BYTES_MAX &&
				entry->bytes <= memory->bytes_max)
			keep(memory, entry);
		entry_unref(entry);
	}
	recall->done(recall, err);
}

bool slv_omap_recall(struct slv_omap_recall *recall)
{
	struct slv_omap_memory *memory = recall->memory;
	char room[sizeof(void *) + SLV_OMAP_KEY_BYTES_MAX];
	slv_loop_assert(memory->loop);
	slv_assert(recall->key.len <= SLV_OMAP_KEY_BYTES_MAX);
	recall->row = NULL;
	recall->hold = NULL;
	recall->stamp = slv_omap_stamp(recall->map, recall->key);
	struct entry *entry = slv_map_get(&memory->by_name, name_of(recall, room));
	if (entry && entry->stamp == recall->stamp) {
		if (is_of_row(entry)) {
			slv_list_remove(&entry->link);
			slv_list_push(&memory->entries, &entry->link);
		}
		hand_out(recall, entry);
		return true;
	}
	recall->read = (struct slv_omap_read){
		.map = recall->map,
		.what = SLV_OMAP_GET,
		.bodies = true,
		.keys = &recall->key,
		.count = 1,
		.rows_max = 1,
		.done = read_done,
	};
	slv_omap_read(memory->loop, &recall->read);
	return false;
}
