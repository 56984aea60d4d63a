package web

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/testkit"
)

func TestCookies(t *testing.T) {
	for _, c := range []struct {
		base, name string
		secure     bool
	}{
		{https, "__Host-portal-session", true},
		{"http://localhost:8080", "portal-session", false},
		{"http://127.0.0.1:8080", "portal-session", false},
		{"http://[::1]:8080", "portal-session", false},
		{"https://localhost:8443", "__Host-portal-session", true},
		{"http://portal.example", "__Host-portal-session", true},
	} {
		r := httptest.NewRequest("GET", c.base, nil)
		where, err := placeOf(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		jar := cookies{plain: where.plain(), life: 12 * time.Hour}
		w := httptest.NewRecorder()
		jar.set(w, sessionCookie, "token")
		jar.set(w, halfCookie, "token")
		jar.remove(w, sessionCookie)
		checkCookies(t, c.base, w.Result().Cookies(), c.name, c.secure)
	}
}

func checkCookies(t *testing.T, base string, set []*http.Cookie, name string, secure bool) {
	t.Helper()
	if len(set) != 3 || set[0].Name != name || set[0].Value != "token" || set[0].MaxAge != 12*60*60 {
		t.Errorf("%s: %v", base, set)
	}
	if set[1].MaxAge != 0 || set[2].MaxAge != -1 || set[2].Value != "" {
		t.Errorf("%s: %v", base, set[1:])
	}
	for _, one := range set {
		if !one.HttpOnly || one.Secure != secure || one.Path != "/" || one.SameSite != http.SameSiteLaxMode || one.Domain != "" {
			t.Errorf("%s: %v", base, one)
		}
	}
}

func TestDoubledCookieIsNotTrusted(t *testing.T) {
	r := httptest.NewRequest("GET", https, nil)
	jar := cookies{}
	r.Header.Set("Cookie", "__Host-portal-session=a")
	if jar.get(r, sessionCookie) != "a" {
		t.Error("one cookie was not found")
	}
	r.Header.Set("Cookie", "__Host-portal-session=a; __Host-portal-session=b")
	if got := jar.get(r, sessionCookie); got != "" {
		t.Errorf("of two cookies %q was taken", got)
	}
}

// The drawing of a QR code is read by a camera program, at an odd size.
func TestQRCodeCanBeRead(t *testing.T) {
	for _, text := range []string{
		"otpauth://totp/Northwind%20Portal:wendy?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Northwind%20Portal&algorithm=SHA1&digits=6&period=30",
		"otpauth://totp/" + strings.Repeat("%C3%B8", 60) + ":" + strings.Repeat("x", 64) + "?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
	} {
		code, err := drawQR(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := testkit.ReadQR(t, pictureOf(t, code)); got != text {
			t.Errorf("it reads %q, want %q", got, text)
		}
	}
	if _, err := drawQR(strings.Repeat("x", 5000)); err == nil {
		t.Error("5000 characters fit into a QR code")
	}
}

// pictureOf paints the path of a QR code as a browser does.
func pictureOf(t *testing.T, code qrCode) []byte {
	t.Helper()
	const scale = 5
	picture := image.NewGray(image.Rect(0, 0, code.Size*scale, code.Size*scale))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for run := range strings.SplitSeq(strings.TrimSuffix(code.Path, "z"), "z") {
		var x, y, width, back int
		if n, err := fmt.Sscanf(run, "M%d %dh%dv1h-%d", &x, &y, &width, &back); n != 4 || err != nil || width != back {
			t.Fatalf("cannot read the run %q", run)
		}
		if x < quietZone || x+width > code.Size-quietZone || y < quietZone || y >= code.Size-quietZone {
			t.Fatalf("the run %q lies in the quiet zone", run)
		}
		for px := x * scale; px < (x+width)*scale; px++ {
			for py := y * scale; py < (y+1)*scale; py++ {
				picture.SetGray(px, py, color.Gray{})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		chromeOnWindows: "Chrome on Windows", safariOnIPhone: "Safari on iPhone",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                           "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0":                            "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19 Safari/605.1": "Safari on macOS",
		"Mozilla/5.0 (Linux; Android 16; SM-S931) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130 Mobile Safari/537.36":  "Samsung Internet on Android",
		"curl/8.5.0": "curl", "": "Unknown browser", "<script>": "Unknown browser", "Something (Linux)": "A browser on Linux",
	} {
		if got := portal.BrowserName(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Wendy Okafor": "WO", "Ana Maria de la Cruz": "AC", "prince": "P", "": "", "øyvind åse": "ØÅ", "李 小龍": "李小",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q has %q, want %q", name, got, want)
		}
	}
}

func TestDownloadRepeatsCodesOnly(t *testing.T) {
	good := strings.Join(someCodes(), " ")
	for codes, status := range map[string]int{
		good: 200, someCodes()[0]: 200, "": 400, "hello": 400, good + " ABCDE-EFGHI-JKLMN-OPQRS-TUVWX": 400,
		"ABCDE-EFGHI-JKLMN-OPQRS-TUVW1": 400, "abcde-efghi-jklmn-opqrs-tuvwx": 400, "ABCDE-EFGHI-JKLMN-OPQRS": 400,
		"ABCDE-EFGHI-JKLMN-OPQRS-TUVWX-ABCDE": 400, "<script>": 400,
	} {
		w := httptest.NewRecorder()
		v := newVisit(w, httptest.NewRequest("POST", https, nil))
		v.form = fields{"codes": codes}
		err := (&site{}).downloadCodes(v)
		if (err == nil) != (status == 200) {
			t.Errorf("%q: %v", codes, err)
		}
		if err == nil && (w.Body.String() != strings.ReplaceAll(codes, " ", "\n")+"\n" || w.Header().Get("Content-Disposition") != `attachment; filename="recovery-codes.txt"`) {
			t.Errorf("%q: %q %v", codes, w.Body, w.Header())
		}
	}
}

func TestEventQuery(t *testing.T) {
	q, err := eventQuery(fields{"person": "wendy", "kind": "Sign-in", "from": "2026-11-01", "until": "2026-11-03", "before": "17"})
	if err != nil || q.Person != "wendy" || q.Action != portal.SignedIn || q.Before != 17 ||
		!q.From.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || !q.Until.Equal(time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", q, err)
	}
	for _, bad := range []fields{
		{"kind": "nothing"}, {"before": "x"}, {"before": "-1"}, {"before": "99999999999999999999"}, {"from": "3.11.2026"},
		{"until": "2026-02-30"}, {"from": "2026-11-04", "until": "2026-11-03"}, {"from": "0000-01-01"},
	} {
		if q, err := eventQuery(bad); err == nil {
			t.Errorf("%v: %+v", bad, q)
		}
	}
}

func TestUserQuery(t *testing.T) {
	p := accessPage{Found: somePeople()}
	var err error
	p.Query, err = userQuery(fields{"search": "w & o", "state": "enabled", "after": "u-1"})
	if err != nil || p.Next() != "/administration/access?after=u-after&search=w+%26+o&state=enabled" || !strings.Contains(p.Previous(), "before=u-before") {
		t.Errorf("%+v, %v: %s", p.Query, err, p.Next())
	}
	for _, bad := range []fields{
		{"state": "pending"}, {"state": "x"}, {"after": "a", "before": "b"}, {"search": strings.Repeat("x", portal.MaxSearch+1)},
	} {
		if q, err := userQuery(bad); err == nil {
			t.Errorf("%v: %+v", bad, q)
		}
	}
}

// What is wrong with a field that the form does not show stands at its top,
// and what is wrong with the code stands at the field in its place.
func TestProblemsAreNeverLost(t *testing.T) {
	v := newVisit(httptest.NewRecorder(), httptest.NewRequest("POST", https, nil))
	if p := v.problem(portal.Invalid(portal.FieldEmail, "Bad."), portal.FieldName); p.Top() != "Bad." {
		t.Errorf("%+v", p)
	}
	if p := v.problem(portal.Invalid(portal.FieldName, "Bad."), portal.FieldName); p.Top() != "" || p.at(portal.FieldName) != "Bad." {
		t.Errorf("%+v", p)
	}
	wrong := v.problem(&portal.Error{Code: portal.CodeProof, Field: portal.FieldCode, Message: "Bad."}, proofFields()...)
	for _, recovery := range []bool{false, true} {
		if got := (proof{Ask: auth.Ask{Password: true, Code: true, Recovery: true}, Recovery: recovery, problem: wrong}).Second().Problem; got != "Bad." {
			t.Errorf("with recovery %v the field says %q", recovery, got)
		}
	}
	for _, err := range []error{errors.New("x"), portal.NotFound(), portal.SignInFirst(), portal.Unavailable(nil), portal.Malformed("x")} {
		if p := v.problem(err); p != nil {
			t.Errorf("%v is shown in a form", err)
		}
	}
	var none *problem
	if none.Top() != "" || none.at(portal.FieldName) != "" {
		t.Error("no problem says something")
	}
}

// Where no mails go out no notice promises one, and each that speaks of a mail
// has another wording for that.
func TestNoticesPromiseNoMailInVain(t *testing.T) {
	without, with := &site{}, &site{mail: true}
	for key, text := range notices {
		if with.notice(key) != text {
			t.Errorf("%s with mail: %q", key, with.notice(key))
		}
		if said := without.notice(key); regexp.MustCompile(`(?i)\bmails?\b`).MatchString(said) && !strings.Contains(said, "Mails are not set up") {
			t.Errorf("%s without mail: %q", key, said)
		}
	}
	if without.notice("nothing") != "" {
		t.Error("an unknown key has a sentence")
	}
}

// The faces of pages where no mails go out say so, and promise none.
func TestPagesPromiseNoMailInVain(t *testing.T) {
	promise := regexp.MustCompile(`by mail|gets? a mail|have mailed|mailed to it|on its way|mail with this link`)
	faces := 0
	for _, one := range samples() {
		if !strings.HasSuffix(one.name, "-without-mail") {
			continue
		}
		faces++
		html := drawn(t, one)
		if !strings.Contains(strings.ToLower(html), "mails are not set up") {
			t.Errorf("%s does not say that no mails go out", one.name)
		}
		if found := promise.FindString(html); found != "" {
			t.Errorf("%s says %q", one.name, found)
		}
	}
	if faces < 10 {
		t.Errorf("only %d faces without mail were looked at", faces)
	}
}
