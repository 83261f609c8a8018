/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of names and the values they stand for.
 *
 * Place      cli/: parsers go from name to value, printers back.
 * Layout     arrays that end with a row whose name is NULL.  Aliases follow the
 *            name that is printed: value to name takes the first row.
 * Threads    read only.
 */
#pragma once

#include "base/cdefs.h"

struct name {
	const char *s;
	uint32_t value;
};

extern const struct name names_tcpflags[];
extern const struct name names_tcpopts[];
extern const struct name names_ipopts[];
extern const struct name names_iptos[];
extern const struct name names_frag[];
extern const struct name names_dscp[];
extern const struct name names_ext6hdr[];
extern const struct name names_ethertype[];
extern const struct name names_unreach[];
extern const struct name names_unreach6[];
extern const struct name names_limit[];

/* The row with this name; NULL if there is none. */
const struct name *name_find(const struct name *table, const char *s);

/* The first name of a value; NULL if it has none. */
const char *name_of(const struct name *table, uint32_t value);

/* Protocol number of a name: our own table, then /etc/protocols.  -1 if
 * unknown. */
int proto_number(const char *s);

/* Name of a protocol, NULL if it has none; 'buf' may be used for it. */
const char *proto_name(unsigned proto, char *buf, size_t size);

/* Words that no server of names is asked about. */
extern const char names_no_host[];

/* The first address of a host, 4 or 16 octets; false if it is unknown, or no
 * name at all. */
bool host_addr(const char *host, int family, void *addr);

/* Port of a service for a protocol (0: any), -1 if unknown. */
int service_port(const char *s, unsigned proto);

/* Name of a port, or NULL. */
const char *service_name(unsigned port, unsigned proto, char *buf, size_t size);

/* True if 's' is one of the words in 'list', which blanks separate. */
bool name_in_list(const char *list, const char *s);

/* A hint for a mistyped word: try each candidate, then ask for the clause. */
struct suggest {
	const char *word;
	const char *meant; /* what other firewalls call so; NULL */
	const char *best;
	size_t best_len;
	unsigned dist;
};

/* Starts looking for words like 'word' (borrowed). */
void suggest_init(struct suggest *g, const char *word);

/* Offers each word of 'list', which blanks separate; borrowed. */
void suggest_try(struct suggest *g, const char *list);

/* Offers all names of a table. */
void suggest_names(struct suggest *g, const struct name *table);

/* ', did you mean "from"?' or "", in 'buf'. */
const char *suggest_text(const struct suggest *g, char *buf, size_t size);
