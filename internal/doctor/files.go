package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"portal/internal/seal"
)

const (
	// writing is how long the key ring may take to be written.
	writing = time.Minute
	// spaceLow and spaceOut are how much room there should be, in bytes.
	spaceLow = 512 << 20
	spaceOut = 64 << 20
	megabyte = 1 << 20
)

// files looks at the modes of everything that holds a secret, the key ring
// apart: that has a check of its own.
func (h *House) files(_ context.Context, r *Report) error {
	if h.missing = missing(h.Data); h.missing {
		r.Found(FolderMissing, "the data folder %s is not there", h.Data)
	} else if err := h.folder(r); err != nil {
		return err
	}
	for _, secret := range h.Secrets {
		_, err := h.ReadPrivate(secret.Path)
		switch {
		case errors.Is(err, seal.ErrFileMode):
			r.Found(FileOpen, "%s: %v", secret.Name, err)
		case err != nil:
			r.Found(FileUnreadable, "%s: %v", secret.Name, err)
		}
	}
	r.Fine("nobody but their owner can read them")
	return nil
}

// folder looks at the data folder and what lies in it.
func (h *House) folder(r *Report) error {
	return filepath.WalkDir(h.Data, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // gone meanwhile
			return nil
		}
		if errors.Is(err, fs.ErrPermission) {
			r.Found(FileUnreadable, "%v", err)
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		h.file(r, path, info)
		return nil
	})
}

func (h *House) file(r *Report, path string, info os.FileInfo) {
	mode := info.Mode().Perm()
	switch open := mode&0o077 != 0 && runtime.GOOS != "windows"; {
	case path == h.RingFile:
	case strings.HasPrefix(info.Name(), ".keyring-") && h.Now().Sub(info.ModTime()) > writing:
		r.Found(FileLeft, "%s was left behind", path)
	case open && info.IsDir():
		r.Found(FolderOpen, "%s has mode %04o, want 0700", path, mode)
	case open && info.Mode().IsRegular():
		r.Found(FileOpen, "%s has mode %04o, want 0600", path, mode)
	}
}

// space looks at the room on the disk of the data folder.
func (h *House) space(_ context.Context, r *Report) error {
	if h.missing {
		r.Found(NotLooked, "not looked at, because there is no data folder")
		return nil
	}
	free, known, err := freeSpace(h.Data)
	if err != nil || !known {
		r.Fine("not known on this system")
		return err
	}
	switch left := free / megabyte; {
	case free < spaceOut:
		r.Found(SpaceOut, "%d MB are left for %s", left, h.Data)
	case free < spaceLow:
		r.Found(SpaceLow, "%d MB are left for %s", left, h.Data)
	default:
		r.Fine("%d MB are left", left)
	}
	return nil
}
