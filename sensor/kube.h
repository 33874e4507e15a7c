/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varve-kubewatch, seen from the sensor: starts it, answers its requests for credentials, takes its
 * messages, starts it again when it ends. No JSON and no TLS in here.
 */
#ifndef VARVE_KUBE_H
#define VARVE_KUBE_H

#include "sensor/kube_message.h"

#include <stddef.h>

struct conf;
struct kube;

typedef void (*kube_fn)(const struct kube_message *message, void *ctx);

/* The URL that kube-api stands for. -ENOENT, told: "in-cluster", and this is no pod. */
int kube_find_base(const char *api, char *ret_base, size_t size);
/* varve-kubewatch, beside the sensor; a negative errno. */
int kube_find_program(char *ret_path, size_t size);
/* 0 with *ret_kube NULL if the option kube-api is "off". */
int kube_open(const struct conf *conf, struct kube **ret_kube);
/* Takes what has come, at most a bounded number; never waits. NULL: nothing. */
void kube_turn(struct kube *kube, uint64_t now_ns, kube_fn fn, void *ctx);
/* How often it was started again, and messages that failed their check. */
uint64_t kube_restarts(const struct kube *kube);
uint64_t kube_invalid(const struct kube *kube);
void kube_close(struct kube *kube);

#endif
