package web

import (
	"net/http"
	"time"
)

// The cookies of the portal, by what their tokens open.
const (
	sessionCookie = "portal-session"
	halfCookie    = "portal-half"
	linkCookie    = "portal-link"
	browserCookie = "portal-browser"
	alarmCookie   = "portal-alarm"

	// linkLife is how long an opened link waits for its form.
	linkLife = time.Hour
)

// cookies is the one helper for all cookies: opaque tokens, of this host only,
// out of reach of scripts (SE-11).
type cookies struct {
	plain bool          // without Secure and prefix: http at loopback
	life  time.Duration // of the session cookie; 0 as long as the browser runs
	known time.Duration // of the cookie by which a browser is known
}

func (c cookies) name(cookie string) string {
	if c.plain {
		return cookie
	}
	return "__Host-" + cookie
}

func (c cookies) make(cookie, token string, age int) *http.Cookie {
	return &http.Cookie{ // #nosec G124 -- Secure everywhere but on http://localhost, where some browsers refuse it
		Name: c.name(cookie), Value: token, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: !c.plain, SameSite: http.SameSiteLaxMode,
	}
}

// age is how long the browser may keep a cookie, in seconds. The server keeps
// time for itself, too.
func (c cookies) age(cookie string) int {
	switch cookie {
	case sessionCookie:
		return int(c.life / time.Second)
	case browserCookie:
		return int(c.known / time.Second)
	case linkCookie, alarmCookie:
		return int(linkLife / time.Second)
	}
	return 0
}

func (c cookies) set(w http.ResponseWriter, cookie, token string) {
	http.SetCookie(w, c.make(cookie, token, c.age(cookie)))
}

// remove takes a cookie away; it must have the attributes it was set with.
func (c cookies) remove(w http.ResponseWriter, cookie string) {
	http.SetCookie(w, c.make(cookie, "", -1))
}

// get returns the token in a cookie, empty where there is none. A cookie that
// is there twice is not trusted.
func (c cookies) get(r *http.Request, cookie string) string {
	found := r.CookiesNamed(c.name(cookie))
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}
