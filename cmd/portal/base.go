package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"portal/internal/store"
)

// linkFlags say where the links lead that a command prints.
type linkFlags struct {
	BaseURL string `help:"How people reach the portal, for the links; without it, as the last portal did that was started on this data folder." env:"PORTAL_BASE_URL" placeholder:"URL"`
}

// usualBase is where a portal is that nobody has told anything.
const usualBase = "http://localhost:8080"

// links is the origin of the links: the one that is named, or the one that was
// served last. Where neither is known the operator is told what is assumed.
func (f linkFlags) links(c *cli, w world) (*url.URL, error) {
	if f.BaseURL != "" {
		return parseBase(f.BaseURL)
	}
	text, err := os.ReadFile(c.baseFile())
	if err == nil {
		if base, err := parseBase(strings.TrimSpace(string(text))); err == nil {
			return base, nil
		}
	}
	fmt.Fprintf(w.Err, "portal: no portal was started on this data folder yet; the links lead to %s. Say another address with --base-url.\n", usualBase)
	return parseBase(usualBase)
}

// baseFile is where a portal leaves its base URL for the commands beside it.
func (c *cli) baseFile() string { return filepath.Join(c.Data, "base-url") }

// remember leaves word of a portal that starts for the commands beside it.
func (c *cli) remember(ctx context.Context, base *url.URL, data *store.Store, log *slog.Logger) {
	if err := c.rememberBase(base); err != nil {
		log.WarnContext(ctx, "the base URL cannot be noted for other commands; they need --base-url", "error", err)
	}
	if err := c.rememberDatabase(ctx, c.Database, data); err != nil {
		log.WarnContext(ctx, "the database cannot be noted for other commands; they take any that they are told of", "error", err)
	}
}

// rememberBase leaves the base URL of a portal that starts.
func (c *cli) rememberBase(base *url.URL) error { return c.note(c.baseFile(), base.String()) }

// note leaves a line in a file of the data folder, whole or not at all.
func (c *cli) note(path, line string) error {
	next, err := os.CreateTemp(c.Data, "."+filepath.Base(path)+"-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(next, line)
	if closed := next.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		_ = os.Remove(next.Name())
	}
	return err
}
