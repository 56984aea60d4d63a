package seal

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// What may be wrong with a private file. None of them tells anything of a secret.
var (
	ErrNoRing        = errors.New("key ring file not found")
	ErrFileMode      = errors.New("the file is open to others, want mode 0600")
	ErrFileSize      = errors.New("the file is too large")
	ErrRingMalformed = errors.New("key ring file is malformed")
)

// maxPrivateSize in bytes holds thousands of keys.
const maxPrivateSize = 1 << 20

// ringFile is the JSON form of a ring, the write key last.
type ringFile struct {
	Keys []keyFile `json:"keys"`
}

type keyFile struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Secret  []byte    `json:"secret"` // standard base64
	Chains  bool      `json:"chains,omitempty"`
}

// LoadRing reads a key ring file. The error is ErrNoRing, ErrFileMode (not
// checked on Windows), ErrRingMalformed or one of the file system. It never
// makes a ring: a portal that has lost its keys must not start (CR-07).
func LoadRing(path string) (*Ring, error) {
	text, err := ReadPrivate(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s", ErrNoRing, path)
	case errors.Is(err, ErrFileSize):
		return nil, fmt.Errorf("%w: %s is too large", ErrRingMalformed, path)
	case err != nil:
		return nil, err
	}
	r, err := parseRing(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, path)
	}
	return r, nil
}

// ReadPrivate reads a file that holds a secret, which only its owner may read
// (CF-01). It checks the open file, not the path, which may change meanwhile.
func ReadPrivate(path string) ([]byte, error) { return readPrivate(path, 0o600) }

// ReadCredential reads a file that a service manager handed over (systemd's
// LoadCredential) in a folder that nobody else may enter. There the bits of the
// group are the mask of an access list that names the service's user alone: the
// file may have mode 0440. Anything wider, or a folder that is open to others,
// is ErrFileMode.
func ReadCredential(path string) ([]byte, error) {
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("open credential: %w", err)
	}
	if mode := folder.Mode().Perm(); runtime.GOOS != "windows" && mode&0o007 != 0 {
		return nil, fmt.Errorf("%w: the folder of %s has %04o", ErrFileMode, path, mode)
	}
	return readPrivate(path, 0o640)
}

// readPrivate reads a file that has no more than the given mode.
func readPrivate(path string, most os.FileMode) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open private file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open private file: %w", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&^most != 0 {
		return nil, fmt.Errorf("%w: %s has %04o", ErrFileMode, path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPrivateSize+1))
	if err == nil && len(text) > maxPrivateSize {
		err = ErrFileSize
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}

// parseRing drops the causes of its errors, since they could quote the file.
func parseRing(text []byte) (*Ring, error) {
	var file ringFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if dec.Decode(&file) != nil {
		return nil, fmt.Errorf("%w: not the expected JSON", ErrRingMalformed)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: text after the JSON", ErrRingMalformed)
	}
	return file.ring()
}

func (file ringFile) ring() (*Ring, error) {
	if len(file.Keys) == 0 {
		return nil, fmt.Errorf("%w: no key", ErrRingMalformed)
	}
	var keys []key
	for i, k := range file.Keys {
		if fault := k.fault(); fault != "" {
			return nil, fmt.Errorf("%w: key %d: %s", ErrRingMalformed, i+1, fault)
		}
		if slices.ContainsFunc(keys, func(have key) bool { return have.id == k.ID }) {
			return nil, fmt.Errorf("%w: key %d: same id twice", ErrRingMalformed, i+1)
		}
		read := newKey(k.ID, k.Created, k.Secret)
		read.chains = k.Chains
		keys = append(keys, read)
	}
	return newRing(keys), nil
}

// fault tells what is wrong with a key, "" when nothing is.
func (k keyFile) fault() string {
	random, err := hex.DecodeString(strings.TrimPrefix(k.ID, idPrefix))
	switch {
	case err != nil || k.ID != idPrefix+hex.EncodeToString(random) || len(random) != idRandom:
		return "id is not k- and eight lower-case hex digits"
	case k.Created.IsZero():
		return "no date of creation"
	case len(k.Secret) != secretSize:
		return "secret is not 32 bytes"
	case hmac.Equal(k.Secret, make([]byte, secretSize)):
		return "secret is all zeros"
	}
	return ""
}

// Replace writes the ring in the place of an older one. A kill at any moment
// leaves the old file or the new one, whole.
func (r *Ring) Replace(path string) error {
	folder := filepath.Dir(path)
	temp, err := writeTemp(folder, r.text())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err != nil {
		return fmt.Errorf("replace key ring: %w", err)
	}
	return nil
}

// Create writes the ring to a new file of mode 0600. It returns fs.ErrExist
// and changes nothing when the path is taken. A kill at any moment leaves the
// whole file or none; it may also leave a stray .keyring-* file beside it,
// which holds the same secrets and can be removed.
func (r *Ring) Create(path string) error {
	folder := filepath.Dir(path)
	temp, err := writeTemp(folder, r.text())
	if err == nil {
		// A link, because a rename would replace an existing file.
		err = errors.Join(os.Link(temp, path), os.Remove(temp))
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err != nil {
		return fmt.Errorf("create key ring: %w", err)
	}
	return nil
}

func (r *Ring) text() []byte {
	var file ringFile
	for _, k := range r.now().keys {
		file.Keys = append(file.Keys, keyFile{k.id, k.created, k.secret, k.chains})
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil { // a year beyond 9999
		panic("seal: key ring has no JSON form: " + err.Error())
	}
	return append(text, '\n')
}

// writeTemp writes a file of mode 0600 down to the disk and returns its path.
// When it fails it leaves no file.
func writeTemp(folder string, text []byte) (path string, err error) {
	f, err := os.CreateTemp(folder, ".keyring-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// syncFolder makes a new name durable. Windows cannot sync a folder.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
