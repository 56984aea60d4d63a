package main

import (
	"testing"

	"portal/internal/testkit/browser"
)

// From the sign-in page to enabled 2FA without touching the mouse.
func TestByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	hands := &hands{t: t, Page: browser.Start(t).Page(t, browser.View{})}
	hands.Open(s.Base + "/sign-in")

	hands.tabTo("Login ID")
	hands.write("wendy")
	hands.tabTo("Password")
	hands.write(goodPassword)
	hands.PressKey("Enter")

	hands.tabTo("Name of wendy")
	hands.PressKey("Enter")
	hands.tabTo("Account")
	hands.PressKey("Enter")
	hands.tabTo("Two Factor Authentication")
	hands.PressKey("Space")

	wendy.scan(hands.HTML())
	hands.tabTo("Enter the code here")
	hands.write(wendy.code())
	hands.PressKey("Enter")
	if got := hands.Region("Two Factor Authentication").Status(); got != "Enabled" {
		t.Fatalf("the status reads %q", got)
	}
}

// hands use the keyboard only.
type hands struct {
	t *testing.T
	*browser.Page
}

// tabTo moves the focus on until it is at the thing with this name.
func (h *hands) tabTo(name string) {
	h.t.Helper()
	for range 40 {
		if h.Focused() == name {
			return
		}
		h.PressKey("Tab")
	}
	h.t.Fatalf("the Tab key does not reach %q on %s", name, h.Path())
}

// write types a text, sign by sign.
func (h *hands) write(text string) {
	for _, sign := range text {
		if sign == ' ' {
			h.PressKey("Space")
			continue
		}
		h.PressKey(string(sign))
	}
}
