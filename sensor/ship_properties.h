/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's properties for the shipper: our defaults, the user's kafka.* over them, and what may
 * not be weakened. */
#ifndef VARVE_SHIP_PROPERTIES_H
#define VARVE_SHIP_PROPERTIES_H

#include <librdkafka/rdkafka.h>

struct conf;

/* -EINVAL, told in one line that names the property. */
int properties_set(rd_kafka_conf_t *kc, const struct conf *conf);

#endif
