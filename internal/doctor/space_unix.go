//go:build linux || darwin

package doctor

import "syscall"

// freeSpace is what is left on the disk of a folder for who is not root.
func freeSpace(path string) (free uint64, known bool, err error) {
	var s syscall.Statfs_t
	err = syscall.Statfs(path, &s)
	return s.Bavail * uint64(s.Bsize), true, err // #nosec G115 -- the size of a block is positive
}
