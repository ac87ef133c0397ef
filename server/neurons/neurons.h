/* neurons.h - what is known of the neurons of one model version: counted by the threads that serve,
 * merged by who reads. The face of server/neurons: nobody else knows how it is counted. */
#ifndef NEURONS_NEURONS_H
#define NEURONS_NEURONS_H

#include <axon/neurons.h>

struct baseline;
struct metrics_model;
struct neurons;
struct predictions;
struct predictions_shape;
struct predictions_tally;

/* One row in `every` (>= 1) is to be watched. mlp and answers are borrowed while they live. new, or
 * NULL when out of memory. */
struct neurons *neurons_create(const struct axon_mlp *mlp, const struct predictions_shape *answers,
                               uint64_t every, const struct axon_evidence *evidence);
void neurons_destroy(struct neurons *n); /* NULL is fine */

/* A watch is about to see `rows` rows of a request, of which the first has that index. */
void neurons_prepare(struct neurons *n, struct axon_watch *watch, size_t first, size_t rows);

/* Add what a watch has seen of rows that were served, and a tally of their answers, at time now_s
 * (clock_s()), by the calling thread. 0, or -1 when out of memory (the first time that a thread
 * comes, never later). */
int neurons_add(struct neurons *n, struct axon_watch *watch, const struct predictions_tally *tally,
                double now_s);

/* The same of outputs that are not finite, which count also if the rows are refused; the watch
 * forgets them. */
int neurons_move_not_finite(struct neurons *n, struct axon_watch *watch, double now_s);

/* Units [units] of a layer of which it is proven that they never fire. From now on, for all
 * readers; one thread at a time proves. 0, or -1 when out of memory. */
int neurons_prove(struct neurons *n, size_t layer, const bool *proven);

/* sum of |w| of the weights that take a hidden unit's output on. */
double neurons_outgoing(const struct neurons *n, size_t layer, size_t unit);

/* The counts of all threads, up to now: the caller's, to be read with axon_neurons_layer() and
 * its kind at clock_s(). new, or NULL when out of memory. */
struct axon_neurons *neurons_merge(struct neurons *n);

/* The same of the answers. */
struct predictions *neurons_predictions(struct neurons *n);

/* The baseline in force, with a new reference; NULL: there is none, or n is NULL. */
struct baseline *neurons_baseline(struct neurons *n);

/* From now on b, whose reference is taken over, is in force; NULL: none. */
void neurons_baseline_set(struct neurons *n, struct baseline *b);

/* Set the layer metrics, indexed by watched layer in order. */
void neurons_refresh(struct neurons *n, struct metrics_model *metrics);

#endif
