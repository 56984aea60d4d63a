package weak

import (
	"bufio"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"slices"
	"sync"
)

// maxAdded is how many passwords an operator's list may have. Each takes eight
// bytes, 128 MB in all.
const maxAdded = 16 << 20

// maxLine is far more than a password may have, in bytes.
const maxLine = 4 << 10

// List is all weak passwords. A nil List is the bundled ones.
type List struct {
	seed maphash.Seed
	load func() ([]uint64, error)
}

// With returns the bundled list and, behind it, the passwords of a file: one a
// line, in any order; fold brings them into the form in which they are compared.
// The file is read once, when it is first needed.
func With(path string, fold func(string) string) *List {
	l := &List{seed: maphash.MakeSeed()}
	l.load = sync.OnceValues(func() ([]uint64, error) {
		digests, err := l.read(path, fold)
		if err != nil {
			return nil, fmt.Errorf("list of weak passwords %s: %w", path, err)
		}
		return digests, nil
	})
	return l
}

// Load reads the operator's list now, so that a broken one stops the start.
func (l *List) Load() error {
	if l == nil {
		return nil
	}
	_, err := l.load()
	return err
}

// added tells whether the operator's list has a text.
func (l *List) added(folded string) (bool, error) {
	if l == nil {
		return false, nil
	}
	digests, err := l.load()
	if err != nil {
		return false, err
	}
	_, found := slices.BinarySearch(digests, maphash.String(l.seed, folded))
	return found, nil
}

// read keeps of each line a digest of eight bytes. That two texts of such a
// list share one is less likely than one in a billion.
func (l *List) read(path string, fold func(string) string) ([]uint64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it is only read
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	var digests []uint64
	for lines.Scan() {
		if len(digests) == maxAdded {
			return nil, fmt.Errorf("it has more than %d lines; keep the most common ones", maxAdded)
		}
		digests = append(digests, maphash.String(l.seed, fold(lines.Text())))
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d is too long; it should be one password a line", len(digests)+1)
	}
	slices.Sort(digests)
	return slices.Compact(digests), lines.Err()
}
