/* kernels_torch.c - PyTorch, in a child process that runs kernels_torch.py on the same memory.
 *
 * A line goes to it, a line comes back: "prepare ROW GRADIENT N" -> "1" or "0", "time REPS" -> ns
 * of CPU. It inherits this process's core, so the caches that it finds are the same. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kernels.h"

/* Debian's PyTorch takes its AVX2 kernels unless it is told that it may use AVX-512, which makes
 * most rows faster and some slower: both take part. */
static struct child {
    FILE *to, *from;
    pid_t pid;
} children[2];

static struct child *child_of(const struct contender *self)
{
    return &children[self->isa != NULL];
}

static void become_python(const char *capability, int in, int out, int fd)
{
    const char *python = getenv("TORCH_PYTHON");
    char file[16];

    snprintf(file, sizeof file, "%d", fd);
    if (capability)
        setenv("ATEN_CPU_CAPABILITY", capability, 1);
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && fcntl(fd, F_SETFD, 0) == 0)
        execl(python ? python : "/usr/bin/python3", "python3", "tests/bench/kernels_torch.py", file,
              (char *)NULL);
    _exit(127);
}

/* Sends a line; the number that comes back, or -1. */
static double ask(struct child *c, const char *question)
{
    char line[64];

    if (fputs(question, c->to) < 0 || fflush(c->to) != 0 || !fgets(line, sizeof line, c->from))
        return -1.0;
    return strtod(line, NULL);
}

static void close_torch(const struct contender *self)
{
    struct child *c = child_of(self);

    if (c->to)
        fclose(c->to);
    if (c->from)
        fclose(c->from);
    if (c->pid > 0)
        waitpid(c->pid, NULL, 0);
    *c = (struct child){0};
}

static const char *open_torch(const struct contender *self, int fd)
{
    struct child *c = child_of(self);
    int down[2], up[2];

    signal(SIGPIPE, SIG_IGN);
    if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0 || (c->pid = fork()) < 0)
        return "no pipe or no process";
    if (c->pid == 0)
        become_python(self->isa, down[0], up[1], fd);
    close(down[0]);
    close(up[1]);
    c->to = fdopen(down[1], "w");
    c->from = fdopen(up[0], "r");
    if (!c->to || !c->from || ask(c, "hello\n") != 1.0) {
        close_torch(self);
        return "python3-torch is not installed";
    }
    return NULL;
}

static bool prepare_torch(const struct contender *self, const struct task *task)
{
    char question[128];

    snprintf(question, sizeof question, "prepare %s %d %zu\n", task->act->name, task->gradient,
             task->n);
    return ask(child_of(self), question) == 1.0;
}

static double time_torch(const struct contender *self, const struct task *task, size_t reps)
{
    char question[64];

    (void)task;
    snprintf(question, sizeof question, "time %zu\n", reps);
    return ask(child_of(self), question);
}

const struct contender contender_torch = {.name = "torch",
                                          .open = open_torch,
                                          .prepare = prepare_torch,
                                          .time = time_torch,
                                          .close = close_torch};

#ifdef BENCH_VECTOR
const struct contender contender_torch_avx512 = {.name = "torch avx512",
                                                 .isa = "avx512",
                                                 .open = open_torch,
                                                 .prepare = prepare_torch,
                                                 .time = time_torch,
                                                 .close = close_torch};
#endif
