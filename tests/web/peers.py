"""What aiohttp and httpx see of the server under test: peers.py <base URL> <large file>. Prints "ok" at the end."""

import asyncio
import gzip
import hashlib
import sys

import aiohttp
import httpx


def expect(holds, what):
    if not holds:
        sys.exit(f"not so: {what}")


async def with_aiohttp(base, large):
    whole = open(large, "rb").read()
    async with aiohttp.ClientSession(base) as session:
        async with session.get("/f/large.bin") as answer:
            expect(await answer.read() == whole, "aiohttp: the large file")
        async with session.get("/f/large.bin", headers={"Range": "bytes=100-299"}) as answer:
            expect(answer.status == 206 and await answer.read() == whole[100:300], "aiohttp: a range")
        headers = {"Range": "bytes=0-9, 1000-1009"}
        async with session.get("/f/large.bin", headers=headers) as answer:
            expect(answer.content_type == "multipart/byteranges", "aiohttp: several ranges")
            reader = aiohttp.MultipartReader.from_response(answer)
            parts = []
            while (part := await reader.next()) is not None:
                parts.append(bytes(await part.read()))
            expect(parts == [whole[0:10], whole[1000:1010]], "aiohttp: the parts")
        async with session.get("/f/page.html") as answer:
            expect(answer.headers["Content-Encoding"] == "gzip", "aiohttp: coded")
            expect((await answer.text()).startswith("<p>word"), "aiohttp: decoded")
            tag = answer.headers["ETag"]
        async with session.get("/f/page.html", headers={"If-None-Match": tag}) as answer:
            expect(answer.status == 304, "aiohttp: not modified")
        form = aiohttp.FormData()
        form.add_field("note", "grüße")
        form.add_field("file", open(large, "rb"), filename='na"me.bin', content_type="application/x-test")
        async with session.post("/upload", data=form) as answer:
            said = await answer.text()
            wanted = f'note=grüße\nfile<na"me.bin>{len(whole)} {checksum(whole)}\n'
            expect(said == wanted, f"aiohttp: the upload: {said!r}")
        body = gzip.compress(b"a" * 100_000)
        async with session.post("/echo", data=body, headers={"Content-Encoding": "gzip"}) as answer:
            expect(await answer.text() == "100000", "aiohttp: a coded request")
        async with session.get("/secret") as answer:
            expect(answer.status == 401, "aiohttp: without credentials")
        async with session.get("/secret", auth=aiohttp.BasicAuth("ada", "lovelace")) as answer:
            expect(await answer.text() == "ada", "aiohttp: with credentials")


def with_httpx(base):
    with httpx.Client(base_url=base) as client:
        counts = [client.get("/count").text for _ in range(3)]
        expect(counts == ["1", "2", "3"], f"httpx: a session by cookie: {counts}")
        answer = client.post("/upload", data={"a": "1"}, files={"f": ("x.txt", b"hello")})
        expect(answer.text == f"a=1\nf<x.txt>5 {checksum(b'hello')}\n", f"httpx: the upload: {answer.text}")
        answer = client.post("/upload", data={"a": "1 & 2", "b": "ü"})
        expect(answer.text == "a=1 & 2\nb=ü\n", f"httpx: a form: {answer.text}")
        answer = client.get("/f/sub", follow_redirects=True)
        expect(answer.text == "sub" and answer.url.path == "/f/sub/", "httpx: a redirect to the folder")


def checksum(data):
    return hashlib.sha256(data).hexdigest()[:16]


asyncio.run(with_aiohttp(sys.argv[1], sys.argv[2]))
with_httpx(sys.argv[1])
print("ok")
