package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"portal/internal/seal"
)

const (
	manifestEntry = "manifest.json"
	// blockSize is what a tar archive counts in; its head is one block.
	blockSize   = 512
	maxManifest = 16 << 20 // a key and a table a line: far above any
)

// entryOf is what the database is called inside a backup.
func entryOf(database string) string {
	if database == "postgres" {
		return "portal.pgdump"
	}
	return "portal.sqlite"
}

// archive is a backup that is being written: a database of a length that is
// known at its end only, then the manifest.
type archive struct {
	file *os.File
	name string
	at   time.Time
	sum  hash.Hash
	size int64
}

func newArchive(path, name string, at time.Time) (*archive, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	a := &archive{file: file, name: name, at: at, sum: sha256.New()}
	if _, err := file.Write(make([]byte, blockSize)); err != nil { // the head follows at the end
		return nil, errors.Join(err, file.Close())
	}
	return a, nil
}

// Write takes a part of the database.
func (a *archive) Write(p []byte) (int, error) {
	n, err := a.file.Write(p)
	a.sum.Write(p[:n])
	a.size += int64(n)
	return n, err
}

// finish adds the manifest, and the head of what was written before.
func (a *archive) finish(m Manifest, ring *seal.Ring) error {
	text, err := json.MarshalIndent(m, "    ", "  ")
	if err != nil {
		return err
	}
	s := signed{Manifest: text}
	s.Key, s.Mark = ring.MarkBackup(compact(text))
	if text, err = json.MarshalIndent(s, "", "  "); err != nil {
		return err
	}
	head, err := a.head(a.name, a.size)
	if err != nil {
		return err
	}
	_, err = a.file.WriteAt(head, 0)
	if err == nil {
		_, err = a.file.Write(make([]byte, -a.size&(blockSize-1)))
	}
	if err == nil {
		err = a.last(text)
	}
	return closed(a.file, err)
}

// head is the block that stands before an entry.
func (a *archive) head(name string, size int64) ([]byte, error) {
	var block bytes.Buffer
	// GNU, because its head stays one block whatever the size.
	h := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.at.Truncate(time.Second), Format: tar.FormatGNU}
	err := tar.NewWriter(&block).WriteHeader(&h)
	if err == nil && block.Len() != blockSize {
		err = fmt.Errorf("the head of %s has %d bytes", name, block.Len())
	}
	return block.Bytes(), err
}

// last writes the last entry and the end of the archive.
func (a *archive) last(text []byte) error {
	w := tar.NewWriter(a.file)
	h := tar.Header{Typeflag: tar.TypeReg, Name: manifestEntry, Size: int64(len(text)), Mode: 0o600, ModTime: a.at.Truncate(time.Second), Format: tar.FormatGNU}
	if err := w.WriteHeader(&h); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Close()
}

// compact is a JSON text as it is marked, however it is laid out.
func compact(text []byte) string {
	var tight bytes.Buffer
	if json.Compact(&tight, text) != nil {
		return string(text)
	}
	return tight.String()
}

// Backup is a backup that was checked.
type Backup struct {
	Manifest
	path string
}

var errNoBackup = errors.New("it is no backup of a portal, or it was cut short")

// Open reads a backup and holds that it is whole and was made with this key
// ring: nothing of it is used before.
func Open(path string, ring *seal.Ring) (*Backup, error) {
	b := &Backup{path: path}
	err := b.read(ring)
	if err != nil {
		return nil, fmt.Errorf("the backup %s cannot be restored: %w", path, err)
	}
	return b, nil
}

func (b *Backup) read(ring *seal.Ring) error {
	file, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return b.hold(file, ring)
}

// hold reads an archive from its beginning to its manifest.
func (b *Backup) hold(file io.Reader, ring *seal.Ring) error {
	r, sum := tar.NewReader(file), sha256.New()
	first, err := r.Next()
	if err != nil || !plain(first) {
		return errNoBackup
	}
	if _, err := io.Copy(sum, r); err != nil { // #nosec G110 -- nothing is packed in it
		return errNoBackup
	}
	text, err := lastOf(r)
	if err != nil {
		return errNoBackup
	}
	if b.Manifest, err = manifestOf(text, ring); err != nil {
		return err
	}
	if first.Name != entryOf(b.Database) || first.Size != b.Size || hex.EncodeToString(sum.Sum(nil)) != b.SHA256 {
		return errors.New("it was changed after it was made: its digest is another")
	}
	return nil
}

// lastOf reads the last entry: the text of the manifest and its mark.
func lastOf(r *tar.Reader) ([]byte, error) {
	last, err := r.Next()
	if err != nil || !plain(last) || last.Name != manifestEntry || last.Size > maxManifest {
		return nil, errNoBackup
	}
	return io.ReadAll(r)
}

// plain tells whether an entry is one that we write: as long as it says. Sparse
// ones, which tar knows too, are zeros without end in a small file.
func plain(h *tar.Header) bool { return h.Typeflag == tar.TypeReg && h.Format == tar.FormatGNU }

// manifestOf reads a manifest and holds that its mark is ours.
func manifestOf(text []byte, ring *seal.Ring) (m Manifest, err error) {
	var s signed
	if json.Unmarshal(text, &s) != nil {
		return m, errNoBackup
	}
	if ring.CheckValue(s.Key) == nil {
		return m, fmt.Errorf("it was made with key %s, which this key ring lacks: use the key ring of the time of the backup", s.Key)
	}
	if !ring.BackupMarkHolds(s.Key, s.Mark, compact(s.Manifest)) {
		return m, errors.New("its manifest was changed after it was made, or this is another key ring")
	}
	if json.Unmarshal(s.Manifest, &m) != nil || m.Format != manifestFormat {
		return m, fmt.Errorf("its format is %q, and this program reads %q; use the program that made it", m.Format, manifestFormat)
	}
	return m, nil
}

// feed writes the database inside the backup to w.
func (b *Backup) feed(w io.Writer) error {
	file, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	r := tar.NewReader(file)
	if _, err := r.Next(); err != nil {
		return errNoBackup
	}
	n, err := io.Copy(w, io.LimitReader(r, b.Size)) // #nosec G110 -- nothing is packed in it
	if err == nil && n != b.Size {
		err = errNoBackup
	}
	return err
}
