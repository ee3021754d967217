#include "proc/setup.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "proc/channel.h"

#include <string.h>

#define SETUP_BYTES_MAX SLV_MIB(8)

static slv_err plan_check(struct slv_arena *arena, const struct slv_parent_plan *plan)
{
	if (plan->address_count < 1 || plan->address_count > SLV_LISTENERS_MAX)
		return slv_err_printf(arena, SLV_E_LIMIT,
				"%zu addresses to listen on, want 1 to %d", plan->address_count,
				SLV_LISTENERS_MAX);
	if (plan->loops < 1 || plan->loops > SLV_LISTENER_LOOPS_MAX)
		return slv_err_printf(arena, SLV_E_LIMIT, "%u loops, want 1 to %d", plan->loops,
				SLV_LISTENER_LOOPS_MAX);
	for (size_t i = 0; i < plan->address_count; i++)
		for (size_t n = 0; n < i; n++)
			if (slv_str_eq(plan->addresses[i], plan->addresses[n]))
				return slv_err_printf(arena, SLV_E_SYNTAX,
						"%.*s is listed twice to listen on",
						SLV_FMT(plan->addresses[i]));
	slv_assert(plan->ready_ms > 0 && plan->ticket_key_s > 0);
	return SLV_OK;
}

static struct slv_listener *find_listener(struct slv_listeners *listeners, slv_str address)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (slv_str_eq(slv_str_from(listeners->at[i].name), address))
			return &listeners->at[i];
	return NULL;
}

static bool is_named(const struct slv_setup *setup, const struct slv_listener *listener)
{
	for (size_t i = 0; i < setup->plan.address_count; i++)
		if (slv_str_eq(slv_str_from(listener->name), setup->plan.addresses[i]))
			return true;
	return false;
}

/* Do we listen on the port of `address` by a setup that may be replaced? */
static bool port_is_settled(const struct slv_listeners *listeners, slv_str address)
{
	size_t colon = slv_str_find_last(address, ':');
	slv_str text = colon < address.len ? slv_str_from_index(address, colon + 1) : address;
	uint64_t port;
	if (!slv_str_u64(text, UINT16_MAX, &port) || port == 0)
		return false;
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->settled[i] > 0 && port == slv_listener_port(&listeners->at[i]))
			return true;
	return false;
}

static slv_err open_one(struct slv_arena *arena, struct slv_listeners *listeners, slv_str address,
		const struct slv_parent_plan *plan)
{
	struct slv_listener *listener = find_listener(listeners, address);
	if (listener)
		return slv_listener_widen(arena, listener, plan->loops, plan->backlog);
	slv_assert(listeners->count < SLV_LISTENERS_BOTH_MAX);
	slv_err err = slv_listener_open(arena, address, plan->loops, plan->backlog,
			port_is_settled(listeners, address), &listeners->at[listeners->count]);
	if (slv_failed(err))
		return err;
	listeners->settled[listeners->count++] = 0;
	return SLV_OK;
}

slv_err slv_setup_load(struct slv_arena *arena, const struct slv_parent_conf *conf,
		struct slv_listeners *listeners, struct slv_setup **ret_setup)
{
	struct slv_setup *setup = SLV_ALLOC(struct slv_setup);
	slv_arena_init(&setup->arena, SLV_KIB(16), SETUP_BYTES_MAX);
	slv_err err = conf->load(conf->arg, &setup->arena, &setup->plan);
	if (!slv_failed(err))
		err = plan_check(&setup->arena, &setup->plan);
	for (size_t i = 0; !slv_failed(err) && i < setup->plan.address_count; i++)
		err = open_one(&setup->arena, listeners, setup->plan.addresses[i], &setup->plan);
	if (slv_failed(err)) {
		/* The text moves to where it lives on. */
		int32_t sys = err.sys;
		err = slv_err_printf(arena, (enum slv_code)err.code, "%s", err.what);
		err.sys = sys;
		slv_listeners_unsettle(listeners);
		slv_setup_free(setup);
		return err;
	}
	*ret_setup = setup;
	return SLV_OK;
}

void slv_setup_free(struct slv_setup *setup)
{
	if (!setup)
		return;
	slv_arena_done(&setup->arena);
	slv_free(setup);
}

void slv_listeners_settle(struct slv_listeners *listeners, const struct slv_setup *setup)
{
	size_t kept = 0;
	for (size_t i = 0; i < listeners->count; i++) {
		if (!is_named(setup, &listeners->at[i])) {
			slv_listener_close(&listeners->at[i]);
			continue;
		}
		listeners->settled[kept] = listeners->at[i].count;
		if (kept != i)
			listeners->at[kept] = listeners->at[i];
		kept++;
	}
	listeners->count = kept;
}

void slv_listeners_unsettle(struct slv_listeners *listeners)
{
	/* Those never settled are the last. */
	while (listeners->count > 0 && listeners->settled[listeners->count - 1] == 0)
		slv_listener_close(&listeners->at[--listeners->count]);
	for (size_t i = 0; i < listeners->count; i++)
		slv_listener_narrow(&listeners->at[i], listeners->settled[i]);
}

void slv_listeners_done(struct slv_listeners *listeners)
{
	while (listeners->count > 0)
		slv_listener_close(&listeners->at[--listeners->count]);
}

slv_err slv_setup_boot(struct slv_arena *arena, const struct slv_setup *setup,
		const struct slv_listeners *listeners, const struct slv_ticket_keys *tickets,
		int *ret_boot_fd, int *ret_fds, size_t *ret_count)
{
	const struct slv_parent_plan *plan = &setup->plan;
	struct slv_channel_boot boot = {
		.magic = SLV_CHANNEL_MAGIC,
		.loops = plan->loops,
		.text_len = (uint32_t)plan->config_text.len,
		.name_len = (uint32_t)plan->config_name.len,
		.folder_len = (uint32_t)plan->config_folder.len,
		.tickets = *tickets,
	};
	struct slv_buf bytes;
	slv_buf_init(&bytes, SLV_CHANNEL_BOOT_MAX);
	slv_buf_add(&bytes, (slv_str){ (const char *)&boot, sizeof(boot) });
	size_t count = 0;
	for (size_t i = 0; i < listeners->count; i++) {
		const struct slv_listener *listener = &listeners->at[i];
		if (!is_named(setup, listener))
			continue;
		struct slv_channel_listener row = { .count = listener->count };
		memcpy(row.name, listener->name, sizeof(row.name));
		slv_buf_add(&bytes, (slv_str){ (const char *)&row, sizeof(row) });
		memcpy(&ret_fds[count], listener->fd, listener->count * sizeof(*ret_fds));
		count += listener->count;
		boot.listener_count++;
	}
	slv_buf_add(&bytes, plan->config_text);
	slv_buf_add(&bytes, plan->config_name);
	slv_buf_add(&bytes, plan->config_folder);
	memcpy(bytes.at, &boot, sizeof(boot)); /* now with its listeners counted */
	slv_err err = bytes.overflow ? slv_err_printf(arena, SLV_E_LIMIT,
						       "the configuration has more than %zu bytes",
						       SLV_CHANNEL_BOOT_MAX)
	                             : slv_memfd_of(slv_buf_str(&bytes), ret_boot_fd);
	slv_wipe(&boot, sizeof(boot));
	slv_wipe(bytes.at, bytes.len);
	slv_buf_done(&bytes);
	if (!slv_failed(err))
		*ret_count = count;
	return err;
}
