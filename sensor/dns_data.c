/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns_data.h"
#include "evidence/base.h"
#include <arpa/inet.h>

/* --- codes, as IANA has them */

struct code {
	unsigned int number;
	const char *name;
};

static const struct code types[] = {
	{1, "A"},	    {2, "NS"},	    {5, "CNAME"},  {6, "SOA"},	  {10, "NULL"},
	{12, "PTR"},	    {13, "HINFO"},  {15, "MX"},	   {16, "TXT"},	  {17, "RP"},
	{28, "AAAA"},	    {29, "LOC"},    {33, "SRV"},   {35, "NAPTR"}, {37, "CERT"},
	{39, "DNAME"},	    {41, "OPT"},    {43, "DS"},	   {44, "SSHFP"}, {46, "RRSIG"},
	{47, "NSEC"},	    {48, "DNSKEY"}, {50, "NSEC3"}, {52, "TLSA"},  {59, "CDS"},
	{51, "NSEC3PARAM"}, {64, "SVCB"},   {65, "HTTPS"}, {99, "SPF"},	  {249, "TKEY"},
	{250, "TSIG"},	    {251, "IXFR"},  {252, "AXFR"}, {255, "ANY"},  {256, "URI"},
	{257, "CAA"},
};
static const struct code classes[] = {
	{1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"},
};
static const struct code opcodes[] = {
	{0, "QUERY"}, {1, "IQUERY"}, {2, "STATUS"}, {4, "NOTIFY"}, {5, "UPDATE"}, {6, "DSO"},
};
static const struct code rcodes[] = {
	{0, "NOERROR"},	 {1, "FORMERR"},  {2, "SERVFAIL"},   {3, "NXDOMAIN"}, {4, "NOTIMP"},
	{5, "REFUSED"},	 {6, "YXDOMAIN"}, {7, "YXRRSET"},    {8, "NXRRSET"},  {9, "NOTAUTH"},
	{10, "NOTZONE"}, {16, "BADVERS"}, {23, "BADCOOKIE"},
};

static const char *name_of(const struct code *list, size_t cnt, unsigned int number,
			   const char *prefix, char buf[DNS_CODE_LEN])
{
	size_t i;

	for (i = 0; i < cnt; i++) {
		if (list[i].number == number)
			return list[i].name;
	}
	snprintf(buf, DNS_CODE_LEN, "%s%u", prefix, number & 0xffff);
	return buf;
}

const char *dns_type_name(unsigned int type, char buf[DNS_CODE_LEN])
{
	return name_of(types, ARRAY_SIZE(types), type, "TYPE", buf);
}

const char *dns_class_name(unsigned int class, char buf[DNS_CODE_LEN])
{
	return name_of(classes, ARRAY_SIZE(classes), class, "CLASS", buf);
}

const char *dns_opcode_name(unsigned int opcode, char buf[DNS_CODE_LEN])
{
	return name_of(opcodes, ARRAY_SIZE(opcodes), opcode, "OPCODE", buf);
}

const char *dns_rcode_name(unsigned int rcode, char buf[DNS_CODE_LEN])
{
	return name_of(rcodes, ARRAY_SIZE(rcodes), rcode, "RCODE", buf);
}

/* --- data */

/* What is left of a record's data; a name in it may point to anywhere before in the message. */
struct data {
	const uint8_t *msg;
	size_t at, end;
};

static bool take_name(struct data *d, struct dns_text *out)
{
	char name[DNS_NAME_TEXT_MAX];

	if (dns_name_read(d->msg, d->end, &d->at, name))
		return false;
	dns_text_print(out, "%s%s", out->len ? " " : "", name);
	return true;
}

/* Numbers of so many bytes each, one after the other. */
static bool take_numbers(struct data *d, size_t cnt, size_t size, struct dns_text *out)
{
	uint32_t value;
	size_t i;

	if (d->end - d->at < cnt * size)
		return false;
	while (cnt--) {
		for (value = 0, i = 0; i < size; i++)
			value = value << 8 | d->msg[d->at++];
		dns_text_print(out, "%s%u", out->len ? " " : "", value);
	}
	return true;
}

static bool print_a(struct data *d, struct dns_text *out)
{
	char ip[INET_ADDRSTRLEN];

	if (d->end - d->at != 4)
		return false;
	dns_text_print(out, "%s", inet_ntop(AF_INET, d->msg + d->at, ip, sizeof(ip)));
	d->at = d->end;
	return true;
}

static bool print_aaaa(struct data *d, struct dns_text *out)
{
	char ip[INET6_ADDRSTRLEN];

	if (d->end - d->at != 16)
		return false;
	dns_text_print(out, "%s", inet_ntop(AF_INET6, d->msg + d->at, ip, sizeof(ip)));
	d->at = d->end;
	return true;
}

static bool print_mx(struct data *d, struct dns_text *out)
{
	return take_numbers(d, 1, 2, out) && take_name(d, out);
}

static bool print_srv(struct data *d, struct dns_text *out)
{
	return take_numbers(d, 3, 2, out) && take_name(d, out);
}

static bool print_soa(struct data *d, struct dns_text *out)
{
	return take_name(d, out) && take_name(d, out) && take_numbers(d, 5, 4, out);
}

static bool print_txt(struct data *d, struct dns_text *out)
{
	size_t len;

	while (d->at < d->end) {
		len = d->msg[d->at++];
		if (len > d->end - d->at)
			return false;
		dns_text_quote(out, d->msg + d->at, len);
		d->at += len;
	}
	return true;
}

static const struct {
	unsigned int type;
	bool (*print)(struct data *d, struct dns_text *out);
} printers[] = {
	{1, print_a},	 {28, print_aaaa}, {2, take_name},  {5, take_name},  {12, take_name},
	{39, take_name}, {15, print_mx},   {16, print_txt}, {33, print_srv}, {6, print_soa},
};

bool dns_data_print(const uint8_t *msg, size_t msg_len, size_t at, size_t len, unsigned int type,
		    struct dns_text *out)
{
	struct data d = {.msg = msg, .at = at, .end = at + len};
	size_t i;

	if (at > msg_len || len > msg_len - at)
		return false;
	for (i = 0; i < ARRAY_SIZE(printers); i++) {
		if (printers[i].type == type)
			return printers[i].print(&d, out) && d.at == d.end;
	}
	return true;
}
