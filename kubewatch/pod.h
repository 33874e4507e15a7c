/* SPDX-License-Identifier: Apache-2.0 */
/* A pod as the API server writes it (JSON), into the sensor's form. Pure. */
#ifndef VARVE_KUBEWATCH_POD_H
#define VARVE_KUBEWATCH_POD_H

#include "sensor/kube_message.h"

#include <jansson.h>

/* Allow-list of label keys: commas between them, "*" at the end for any that begin so. */
bool pod_label_allowed(const char *allowed, const char *key);

/*
 * Fills the pod from an object of kind Pod (core/v1). What is missing or of the wrong type stays
 * ""; what is too long is cut; what is too many is counted. -EINVAL: it has no UID.
 */
int pod_from_json(const json_t *object, const char *allowed_labels, struct kube_pod *ret_pod);

#endif
