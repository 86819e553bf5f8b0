untrusted comment: verify with openbsd-79-base.pub
bm90IGEgc2lnbmF0dXJlIGJ1dCBsb25nIGVub3VnaA==
SHA256 (install79.img) = 02648b8879a8cd7765c7ad724509cefaf9390cac0f89ec6b7b0db855e364571f
SHA256 (install79.iso) = 5410f33fb6cdc4a75ee150833b08fa011aea2b2c362049be2fe63e94948009bc
