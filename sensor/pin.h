/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives the sensor: maps and links pinned in a directory of bpffs. Used by probes.c only,
 * which owns the object that they are of.
 *
 *   DIR/maps/NAME       rings, counters and all that programs of different sensors share; they are
 *                       a set if `shared` is there, and parts, which nobody uses, if not
 *   DIR/GENERATION/NAME links and tail-call maps of one sensor's programs
 *
 * DIR is locked (flock) by the one sensor that reads the rings. A sensor that starts takes the maps
 * over, attaches programs of its own beside those that are there, lets them take over (map
 * `current_set`), and removes the others. Killed at any point of this it leaves what the next one
 * can take over.
 */
#ifndef VARVE_PIN_H
#define VARVE_PIN_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_object;
struct hooks;
struct pin;

/*
 * Makes DIR if it is not there, locks it, and removes what a start that was cut off left. Errors
 * are told with what to do: -EBUSY another sensor has it, -ENOTDIR it is in no bpffs, -EPERM others
 * can change it, -EPROTO what is pinned has another form (EV_LAYOUT).
 */
int pin_open(const char *dir, struct pin **ret_pin);
void pin_close(struct pin *pin);
/* For a sensor that pins nothing: says it if something is. */
void pin_tell_left(const char *dir);

/* Of the programs that are to be attached; from 1. */
uint32_t pin_generation(const struct pin *pin);
/* True if rings and counters of an earlier sensor are there. */
bool pin_found(const struct pin *pin);

/* Before the object is loaded: it gets the maps that are pinned, with the sizes that they have. */
int pin_reuse_maps(const struct pin *pin, struct bpf_object *obj);
/* After: pins those that are not yet. */
int pin_keep_maps(const struct pin *pin, struct bpf_object *obj);
/* Pins the links, and the tail-call maps, which are empty without. */
int pin_keep_hooks(const struct pin *pin, struct bpf_object *obj, const struct hooks *hooks);
/* How often the kernel left out a program of another generation, as one ran on that CPU already.
 * ret_latest: the last of them; 0: there is none. ret_err: why some could not be read, which
 * are not in it; 0: all were. */
uint64_t pin_others_misses(const struct pin *pin, uint32_t *ret_latest, int *ret_err);
/* True if that generation's programs are pinned. */
bool pin_has_generation(const struct pin *pin, uint32_t generation);
/* Removes what other generations left: their programs are detached. */
int pin_drop_others(const struct pin *pin);

/* Removes all that is pinned, whoever left it. -ENOENT: nothing was; other errors are told. */
int pin_remove(const char *dir);

#endif
