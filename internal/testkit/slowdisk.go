package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// slowSync stands before the C library's calls that wait for the disk, in the
// server's own processes: while a file is there, they wait so much longer.
const slowSync = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static void crawl(void) {
	FILE *file = fopen(getenv("SLOW_DISK"), "r");
	int milliseconds = 0;
	if (file == NULL) return;
	if (fscanf(file, "%d", &milliseconds) != 1) milliseconds = 0;
	fclose(file);
	struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
	while (nanosleep(&left, &left) != 0) {} /* signals do not hasten a disk */
}
int fsync(int fd) { crawl(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { crawl(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
`

// MakeSlowDisk prepares a server for a disk that is slow at will, from its next
// start on.
func (c *Cluster) MakeSlowDisk() {
	c.t.Helper()
	source := filepath.Join(c.folder, "slow.c")
	if err := os.WriteFile(source, []byte(slowSync), 0o644); err != nil {
		c.t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", c.slowLibrary(), source, "-ldl").CombinedOutput(); err != nil {
		c.t.Fatalf("gcc: %v\n%s", err, out)
	}
	if err := os.Chmod(c.slowLibrary(), 0o755); err != nil {
		c.t.Fatal(err)
	}
}

// SlowDisk makes each wait for the disk longer; zero makes it quick again.
func (c *Cluster) SlowDisk(by time.Duration) {
	c.t.Helper()
	if by == 0 {
		_ = os.Remove(c.slow)
		return
	}
	if err := os.WriteFile(c.slow, []byte(fmt.Sprint(by.Milliseconds())), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *Cluster) slowLibrary() string { return filepath.Join(c.folder, "slow.so") }

// slowDisk is the environment of a server that MakeSlowDisk has prepared.
func (c *Cluster) slowDisk() []string {
	if _, err := os.Stat(c.slowLibrary()); err != nil {
		return nil
	}
	return []string{"LD_PRELOAD=" + c.slowLibrary(), "SLOW_DISK=" + c.slow}
}
