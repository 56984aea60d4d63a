package web

import (
	"net/http"
	"strings"

	"portal"
)

const (
	maxCodes      = 10
	groupsInCode  = 5
	lettersInPart = 5
)

// downloadCodes gives the codes that a page has just shown back as a file, so
// that saving them needs no script. The portal keeps no readable code: what
// was posted is all it knows, and it repeats nothing that is not of that shape.
func (s *site) downloadCodes(v *visit) error {
	codes := strings.Fields(v.form["codes"])
	if len(codes) == 0 || len(codes) > maxCodes {
		return notCodes()
	}
	for _, code := range codes {
		if !isRecoveryCode(code) {
			return notCodes()
		}
	}
	v.w.Header().Set("Content-Disposition", `attachment; filename="recovery-codes.txt"`)
	plainText(v.w, http.StatusOK, strings.Join(codes, "\n")+"\n")
	return nil
}

func notCodes() error {
	return portal.Malformed("These are no recovery codes. Get new ones on your Account page.")
}

// isRecoveryCode tells whether a text has the shape of a recovery code: five
// groups of five base32 letters.
func isRecoveryCode(s string) bool {
	groups := strings.Split(s, "-")
	for _, group := range groups {
		if len(group) != lettersInPart || strings.Trim(group, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			return false
		}
	}
	return len(groups) == groupsInCode
}
