/* Lets one system call of a process fail, the nth of its kind on files in one folder.

   Preloaded in front of the C library, so that FFmpeg's writes fail as Python's do. Until
   blurcam_fail() arms it, every call goes through. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <limits.h>
#include <sys/types.h>

static char call_name[16], folder[PATH_MAX];
static int countdown, error_number, for_ever, fires, told = -1;

void blurcam_fail(const char *call, int nth, int error, int ever, const char *where, int tell) {
    strncpy(call_name, call, sizeof call_name - 1);
    strncpy(folder, where, sizeof folder - 1);
    countdown = nth; error_number = error; for_ever = ever; told = tell;
}

static int hits_path(const char *call, const char *path) {
    if (!countdown || strcmp(call, call_name) || !path || !strstr(path, folder)) return 0;
    if (countdown > 1) { countdown--; return 0; }
    if (!for_ever) countdown = 0;
    if (!fires++ && told >= 0) { ssize_t n = write(told, "x", 1); (void)n; }
    errno = error_number;
    return 1;
}

static int hits_fd(const char *call, int fd) {
    char link[64], path[PATH_MAX];
    if (!countdown || strcmp(call, call_name)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return hits_path(call, path);
}

#define NEXT(type, name, ...) static type (*next)(__VA_ARGS__); if (!next) next = dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *b, size_t n) {
    NEXT(ssize_t, write, int, const void *, size_t);
    return hits_fd("write", fd) ? -1 : next(fd, b, n);
}
ssize_t read(int fd, void *b, size_t n) {
    NEXT(ssize_t, read, int, void *, size_t);
    return hits_fd("read", fd) ? -1 : next(fd, b, n);
}
int fsync(int fd) {
    NEXT(int, fsync, int);
    return hits_fd("fsync", fd) ? -1 : next(fd);
}
int rename(const char *a, const char *b) {
    NEXT(int, rename, const char *, const char *);
    return hits_path("rename", b) ? -1 : next(a, b);
}
int link(const char *a, const char *b) {
    NEXT(int, link, const char *, const char *);
    return hits_path("link", b) ? -1 : next(a, b);
}
int linkat(int c, const char *a, int d, const char *b, int f) {
    NEXT(int, linkat, int, const char *, int, const char *, int);
    return hits_path("link", b) ? -1 : next(c, a, d, b, f);
}
int unlink(const char *a) {
    NEXT(int, unlink, const char *);
    return hits_path("unlink", a) ? -1 : next(a);
}
#define OPENER(name)                                                          \
    int name(const char *path, int flags, ...) {                              \
        NEXT(int, name, const char *, int, ...);                              \
        mode_t mode = 0;                                                      \
        if (flags & (O_CREAT | O_TMPFILE)) {                                  \
            va_list list; va_start(list, flags); mode = va_arg(list, mode_t); \
            va_end(list);                                                     \
        }                                                                     \
        return hits_path("open", path) ? -1 : next(path, flags, mode);        \
    }
OPENER(open)
OPENER(open64)
