/* SPDX-License-Identifier: Apache-2.0 */
/* Types, classes and codes of DNS by name, and the data of a record as text. Pure. */
#ifndef VARVE_DNS_DATA_H
#define VARVE_DNS_DATA_H

#include "sensor/dns_name.h"

enum { DNS_TYPE_OPT = 41 };

/* The name, or prefix and number in the buffer. */
#define DNS_CODE_LEN 16
const char *dns_type_name(unsigned int type, char buf[DNS_CODE_LEN]);
const char *dns_class_name(unsigned int class, char buf[DNS_CODE_LEN]);
const char *dns_opcode_name(unsigned int opcode, char buf[DNS_CODE_LEN]);
const char *dns_rcode_name(unsigned int rcode, char buf[DNS_CODE_LEN]);

/*
 * The data at msg + at, len of them, as text; len_msg are there. Nothing is written for a type that
 * it does not know. False: they do not fit the type; then the text means nothing.
 */
bool dns_data_print(const uint8_t *msg, size_t msg_len, size_t at, size_t len, unsigned int type,
		    struct dns_text *out);

#endif
