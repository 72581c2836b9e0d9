// Go's side of the comparison: peer echo|http <port>. GOMAXPROCS says how many cores it may use.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func echo(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		peer, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer peer.Close()
			buffer := make([]byte, 4096)
			for {
				received, err := peer.Read(buffer)
				if err != nil {
					return
				}
				if _, err = peer.Write(buffer[:received]); err != nil {
					return
				}
			}
		}()
	}
}

func serve(address string) error {
	http.HandleFunc("/plaintext", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	})
	http.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"message": "Hello, World!"})
	})
	http.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 64*1024)
		total := 0
		for {
			received, err := r.Body.Read(buffer)
			total += received
			if err == io.EOF {
				break
			} else if err != nil {
				panic(http.ErrAbortHandler)
			}
		}
		fmt.Fprint(w, total)
	})
	chunk := bytes.Repeat([]byte{'x'}, 62500)
	http.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		for i := 0; i < 1600; i++ {
			if _, err := w.Write(chunk); err != nil {
				return // the client has hung up
			}
		}
	})
	return http.ListenAndServe(address, nil)
}

func main() {
	address := "127.0.0.1:" + os.Args[2]
	if os.Args[1] == "echo" {
		log.Fatal(echo(address))
	}
	log.Fatal(serve(address))
}
