/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf's canonical JSON mapping, with the proto field names, from protobuf-c's descriptors. */
#ifndef VARVE_JSON_H
#define VARVE_JSON_H

#include <protobuf-c/protobuf-c.h>
#include <stdio.h>

/*
 * Prints the message as one line of JSON without the newline: 64-bit integers as strings, bytes as
 * base64, fields in the order of their numbers, absent ones left out. Strings that are not valid
 * UTF-8 (a hostile record) are printed with U+FFFD; control characters are escaped. 0, or -EIO as
 * the stream says.
 */
int json_print(FILE *out, const ProtobufCMessage *msg);
struct decoder;
/* The same of the decoder's last record, which says much that was said before: that is not made
 * anew. */
int json_print_record(FILE *out, const ProtobufCMessage *msg, struct decoder *d);

#endif
