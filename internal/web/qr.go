package web

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quietZone is the white border that a QR code needs, in modules.
const quietZone = 4

// qrCode is a QR code as one path of horizontal runs. It is drawn into the
// page, because the content security policy allows no data: pictures and a
// picture of its own would be a second place that knows the secret.
type qrCode struct {
	Size int    // of the whole picture, in modules
	Path string // of everything that is black
}

func drawQR(text string) (qrCode, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return qrCode{}, fmt.Errorf("QR code: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			if !code.Black(x, y) {
				continue
			}
			begin := x
			for code.Black(x+1, y) {
				x++
			}
			fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", begin+quietZone, y+quietZone, x-begin+1, x-begin+1)
		}
	}
	return qrCode{Size: code.Size + 2*quietZone, Path: path.String()}, nil
}
