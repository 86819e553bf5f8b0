# isomanager get ubuntu/server@lts --variables hcl > image.pkrvars.hcl
# packer build -var-file=image.pkrvars.hcl ubuntu.pkr.hcl
packer {
  required_plugins {
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.1.0"
    }
  }
}

variable "iso_url" { type = string }
variable "iso_checksum" { type = string }
variable "iso_version" { type = string }
variable "iso_architecture" { type = string }

source "qemu" "ubuntu" {
  iso_url          = var.iso_url
  iso_checksum     = var.iso_checksum
  vm_name          = "ubuntu-${var.iso_version}-${var.iso_architecture}"
  output_directory = "output-${var.iso_version}"
  memory           = 4096
  disk_size        = "20G"
  ssh_username     = "ubuntu"
  ssh_timeout      = "30m"
  shutdown_command = "sudo shutdown -P now"
}

build {
  sources = ["source.qemu.ubuntu"]
}
