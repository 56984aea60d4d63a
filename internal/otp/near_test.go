package otp

import "testing"

// Near finds what is out of Match's window and within ten minutes, and nothing
// that was used already.
func TestNear(t *testing.T) {
	secret, now := []byte(rfcSecret), int64(40_000_000)
	for offset := int64(-30); offset <= 30; offset++ {
		want := int(offset)
		if offset < -Reach || offset > Reach || (-Skew <= offset && offset <= Skew) {
			want = 0
		}
		if got := Near(secret, Code(secret, now+offset), now, 0); got != want {
			t.Errorf("%+d steps: %+d, want %+d", offset, got, want)
		}
		if got := Near(secret, Code(secret, now+offset), now, now+offset); got != 0 {
			t.Errorf("%+d steps, used already: %+d", offset, got)
		}
	}
	for _, code := range []string{"", "12345", "1234567", "nonsense"} {
		if got := Near(secret, code, now, 0); got != 0 {
			t.Errorf("%q: %+d", code, got)
		}
	}
	if Near(nil, Code(nil, now+5), now, 0) != 0 || Near([]byte("short"), Code([]byte("short"), now+5), now, 0) != 0 {
		t.Error("a short secret is looked at")
	}
}
