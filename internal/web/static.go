package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"

	"portal"
)

//go:embed static
var staticFiles embed.FS

// assets are the static files. Each is served under a name with its digest, so
// that a browser may keep it for ever and still gets a new one at once.
type assets struct {
	Style, Script, Icon string // paths
	byName              map[string]asset
}

type asset struct {
	contentType string
	body        []byte
}

func loadAssets() (assets, error) {
	a := assets{byName: map[string]asset{}}
	for _, one := range []struct {
		file, contentType string
		path              *string
	}{
		{"style.css", "text/css; charset=utf-8", &a.Style},
		{"script.js", "text/javascript; charset=utf-8", &a.Script},
		{"icon.svg", "image/svg+xml", &a.Icon},
	} {
		body, err := staticFiles.ReadFile("static/" + one.file)
		if err != nil {
			return assets{}, fmt.Errorf("web: static files: %w", err)
		}
		name := hashedName(one.file, body)
		a.byName[name] = asset{one.contentType, body}
		*one.path = "/static/" + name
	}
	return a, nil
}

// hashedName puts a digest of the content before the ending.
func hashedName(file string, body []byte) string {
	sum := sha256.Sum256(body)
	ending := path.Ext(file)
	return strings.TrimSuffix(file, ending) + "." + hex.EncodeToString(sum[:8]) + ending
}

func (s *site) static(v *visit) error {
	found, ok := s.assets.byName[v.r.PathValue("file")]
	if !ok {
		return portal.NotFound()
	}
	h := v.w.Header()
	h.Set("Content-Type", found.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(found.body) // the visitor may be gone
	return nil
}
