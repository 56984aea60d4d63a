package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"portal"
	"portal/internal/auth"
)

// The limits of what a browser may send.
const (
	maxBody  = 64 << 10
	maxQuery = 2 << 10
	maxPath  = 1 << 10
)

// fields are the fields of a form or a query: each at most once, valid UTF-8,
// no control characters.
type fields map[string]string

func (f fields) get(name portal.Field) string { return f[string(name)] }

func (f fields) has(name portal.Field) bool {
	_, ok := f[string(name)]
	return ok
}

// proof is what a form gave to prove who is there.
func (f fields) proof() auth.Proof {
	return auth.Proof{
		Password:     f.get(portal.FieldPassword),
		Code:         f.get(portal.FieldCode),
		RecoveryCode: f.get(portal.FieldRecoveryCode),
	}
}

// readForm reads the body of a form, and only the body (IN-12).
func readForm(w http.ResponseWriter, r *http.Request) (fields, error) {
	if !isForm(r.Header.Get("Content-Type")) {
		return nil, refusal{http.StatusUnsupportedMediaType, "The portal reads forms only, as a browser sends them."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return nil, refusal{http.StatusRequestEntityTooLarge, "This is more than a form of the portal can hold."}
	case err != nil:
		return nil, portal.Malformed("The form did not arrive whole. Please try again.")
	}
	return parseFields(string(body))
}

func isForm(contentType string) bool {
	media, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	return err == nil && media == "application/x-www-form-urlencoded" && (!given || strings.EqualFold(charset, "utf-8"))
}

// parseFields decodes a query or a form. What it refuses stays out of the
// error: it may be a password.
func parseFields(raw string) (fields, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, portal.Malformed("This cannot be read. Please go back and try again.")
	}
	f := make(fields, len(values))
	for name, given := range values {
		if len(given) != 1 {
			return nil, portal.Malformed("A field was sent more than once. Please go back and try again.")
		}
		if !readable(name) || !readable(given[0]) {
			return nil, portal.Malformed("A field has characters that cannot be typed, such as a line break or a tab. Please go back and take them out.")
		}
		f[name] = given[0]
	}
	return f, nil
}

// readable tells whether a text is valid UTF-8 without control characters.
func readable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// checkURL bounds an address before anything looks at it. An unreadable path
// names no page.
func checkURL(u *url.URL) error {
	switch {
	case len(u.RawQuery) > maxQuery || len(u.EscapedPath()) > maxPath:
		return refusal{http.StatusRequestURITooLong, "This address is too long for a page of the portal."}
	case !readable(u.Path):
		return portal.NotFound()
	}
	return nil
}
